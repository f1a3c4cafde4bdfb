"""The life of a call: one image, or several in one request, from what the caller holds to a result.

A call is a generator, a *flow* (``effects.py``). It yields what it needs of the world, and is sent the answer; so
it is written once, and driven by a thread or by an event loop (``run.py``). It goes through five steps:

1. **Prepare** (``_imaging``). What the caller gave, a path, bytes, an array, becomes the bytes that are sent: whole,
   upright, as small as the policy asks for. The service drops an image that it cannot read without a word, so what is
   broken is found here, and nothing is sent. Decoding takes milliseconds: that is an effect, ``Call``, which an event
   loop runs in a thread. Small files that go out as they are need no thread, which would cost a quarter of the call.

2. **Build** (``_protocol/requests.py``). The body is a template around the base64 of the image.

3. **Converse** (``retrying.py``). One call is one *conversation*: one client request id, one deadline, as many requests
   as it takes. Each attempt asks for the ``Authorization`` header (a fresher one after a 401, once), sends, and gets a
   reply or an error. The error says whether another try helps; the policy, the deadline and the budget that all calls
   of a client share say whether it may. Between two tries the flow yields a ``Sleep``.

4. **Read** (``_protocol/replies.py``). A reply of status 200 becomes *rows*, one an image, in request order. It is from
   outside: whatever it holds, reading ends in rows or in an ``UnexpectedReply``, soon and in little memory. A large one
   is read off the event loop, and the deadline is looked at between two parts of the work.

5. **Match**. As many rows as images: each row becomes the result of its image. More: an ``UnexpectedReply``. Fewer: the
   server dropped images, and does not say which; so nobody can tell whose the other rows are. One image alone is then
   an ``ImageDropped``. Of several, each is sent again by itself, in a conversation of its own under the deadline of the
   first: that costs requests, and no result ever belongs to another image.

What comes out is the result, or one of our errors with how the call went: attempts, seconds, ids. Of several images
each has an answer of its own, and one image's failure stays its own.

``explaining.py`` takes the same way with another body and another reader, ``tiling.py`` with the tiles of one image;
``_streaming`` sends many calls, each of them this one. No module here waits, opens a socket, or reads a clock but the
one in its settings: ``tests/flow/test_by_hand.py`` steps a call through all of it in a page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from automl_cv_client._flow import watching
from automl_cv_client._flow.call_settings import CallSettings
from automl_cv_client._flow.effects import Flow, call
from automl_cv_client._flow.retrying import Conversation
from automl_cv_client._imaging import ImageInput, ImagePolicy, PreparedImage, describe, prepare, prepare_lightly
from automl_cv_client._imaging.policy import REQUEST_OVERHEAD
from automl_cv_client._protocol import requests
from automl_cv_client._protocol.excerpts import clean, excerpt
from automl_cv_client._protocol.http_headers import deployment_header, request_id
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client._protocol.replies import Row, WrongShape, read_rows, result_of
from automl_cv_client._text import shortened
from automl_cv_client.errors import AutoMLVisionError, CallError, ImageDropped, ImageError, UnexpectedReply
from automl_cv_client.results import CallInfo, Failed, ImageInfo, Outcome, Result, Scored
from automl_cv_client.task import Task

T = TypeVar("T")

_LARGE_REPLY = 256_000  # bytes; a larger one is read off the event loop
_PUNCTUATION = 3  # bytes around an image in a list of strings


def score_one(image: ImageInput, task: Task, settings: CallSettings, threshold: float = 0.5) -> Flow[Result]:
    """The result of one image; raises what went wrong."""
    conversation = Conversation(settings)
    prepared = with_our_errors(partial(prepare_lightly, image, settings.images), image)
    if prepared is not None:  # not worth a thread: in an event loop a quarter of the CPU of a call
        info, request = prepared.info, _request([prepared.data], settings)
    else:
        info, request = yield from call(partial(_prepared_request, image, conversation))
    rows, called = yield from exchange(request, [info], task, conversation)
    return result_of(task, rows[0], info, called, threshold)


def score_together(
    images: Sequence[ImageInput], task: Task, settings: CallSettings, threshold: float
) -> Flow[list[Outcome[Any]]]:
    """One outcome an image, in order, from one request, or from several where the policy limits their bytes.

    An image that cannot be read here is not sent. When the server drops a row nobody can tell which one it
    was, so every image is sent again by itself.
    """
    conversation = Conversation(settings)
    prepared = yield from call(partial(_prepared_all, images, conversation))
    good = [made for made in prepared if isinstance(made, PreparedImage)]
    answers = iter((yield from score_packed(good, task, settings, threshold, conversation.started)))
    outcomes: list[Outcome[Any]] = []
    for index, (image, made) in enumerate(zip(images, prepared, strict=True)):
        answer = made if isinstance(made, ImageError) else next(answers)
        if isinstance(answer, Result):
            outcomes.append(Scored(index, image, answer))
        else:
            outcomes.append(Failed(index, image, error=answer))
    return outcomes


def score_packed(
    prepared: Sequence[PreparedImage],
    task: Task,
    settings: CallSettings,
    threshold: float,
    started: float | None = None,
) -> Flow[list[Result | CallError]]:
    """One answer an image, in as few requests as keep the policy's limit of bytes, all under one deadline.

    Raises what went wrong when there is one request. Of several, one that fails is the answer of its images
    and the others count; the last error is raised when all have failed.
    """
    packs = _packed(prepared, settings.images)
    answers: list[Result | CallError] = []
    for pack in packs:
        conversation = Conversation(settings, started=started)
        started = conversation.started
        try:
            answers += yield from _score_prepared(pack, task, conversation, threshold)
        except CallError as error:
            if len(packs) == 1 or (pack is packs[-1] and not any(isinstance(answer, Result) for answer in answers)):
                raise
            answers += [error.with_traceback(None)] * len(pack)
    return answers


def _packed(prepared: Sequence[PreparedImage], policy: ImagePolicy) -> list[list[PreparedImage]]:
    """The images of each request. An image that is too large by itself cannot occur: it was made to fit."""
    if policy.most_request_bytes is None:
        return [list(prepared)] if prepared else []
    packs: list[list[PreparedImage]] = []
    room = 0
    for image in prepared:
        needed = (len(image.data) + 2) // 3 * 4 + _PUNCTUATION
        if not packs or needed > room:
            packs.append([])
            room = policy.most_request_bytes - REQUEST_OVERHEAD
        packs[-1].append(image)
        room -= needed
    return packs


def _score_prepared(
    prepared: Sequence[PreparedImage], task: Task, conversation: Conversation, threshold: float
) -> Flow[list[Result | CallError]]:
    infos = [image.info for image in prepared]
    request = yield from call(partial(_request, [image.data for image in prepared], conversation.settings))
    try:
        rows, called = yield from exchange(request, infos, task, conversation)
    except ImageDropped as dropped:
        if len(prepared) == 1:
            return [dropped]
    else:
        return [result_of(task, row, info, called, threshold) for row, info in zip(rows, infos, strict=True)]
    answers: list[Result | CallError] = []
    for image in prepared:
        alone = Conversation(conversation.settings, started=conversation.started)  # one deadline for all
        try:
            answers += yield from _score_prepared([image], task, alone, threshold)
        except CallError as error:  # of this image; the others have answers of their own
            answers.append(error)
    return answers


def exchange(
    request: Request,
    infos: Sequence[ImageInfo],
    task: Task,
    conversation: Conversation,
    read: Callable[..., list[Row]] = read_rows,
) -> Flow[tuple[list[Row], CallInfo]]:
    """As many rows as images; raises ImageDropped when there are fewer."""
    conversation.images = len(infos)
    reply = yield from conversation.send(request)
    reading = partial(_rows_of, reply, task, conversation, read)
    rows = (yield from call(reading)) if len(reply.body) > _LARGE_REPLY else reading()
    if len(rows) > len(infos):
        raise _unexpected(f"{len(rows)} rows for {len(infos)} images", reply, conversation)
    if len(rows) < len(infos):
        raise _dropped(infos, len(rows), reply, conversation)
    return rows, conversation.call_info(reply)


def _rows_of(reply: Reply, task: Task, conversation: Conversation, read: Callable[..., list[Row]]) -> list[Row]:
    """The rows of a reply. Raises UnexpectedReply, whatever is wrong with it; DeadlineExceeded between two steps."""
    said: str | None = None
    try:
        conversation.check_time()
        rows: list[Row] = read(reply.body, task, strict=conversation.settings.strict, step=conversation.check_time)
        return rows
    except CallError:
        raise
    except WrongShape as error:
        problem, said = str(error), error.said
    except Exception as error:  # noqa: BLE001 - the last net: a reply is from outside, and must not end a batch
        problem = f"its reply cannot be read ({type(error).__name__}: {error})"
    raise _unexpected(problem, reply, conversation, said)


def _prepared_request(image: ImageInput, conversation: Conversation) -> tuple[ImageInfo, Request]:
    prepared = _prepared(image, conversation)
    return prepared.info, _request([prepared.data], conversation.settings)


def _prepared(image: ImageInput, conversation: Conversation) -> PreparedImage:
    work = partial(prepare, image, conversation.settings.images, conversation.check_time)
    return with_our_errors(work, image)


def with_our_errors(work: Callable[[], T], image: ImageInput) -> T:
    """What the work on an image gives. Raises ImageError, whatever goes wrong: it must not end a batch.

    The last net, for what a library makes of a broken file. A missing library (ImportError) is not the image's fault.
    """
    try:
        return work()
    except (AutoMLVisionError, ImportError):
        raise
    except Exception as error:  # noqa: BLE001
        problem = shortened(f"{type(error).__name__}: {error}")
    raise ImageError(f"{describe(image)} cannot be read ({problem})")


def _prepared_all(images: Sequence[ImageInput], conversation: Conversation) -> list[PreparedImage | ImageError]:
    prepared: list[PreparedImage | ImageError] = []
    for image in images:
        try:
            prepared.append(_prepared(image, conversation))
        except ImageError as error:
            prepared.append(error.with_traceback(None))
    return prepared


def _request(images: Sequence[bytes], settings: CallSettings) -> Request:
    body = requests.scoring_body(images, settings.dialect)
    headers = {"content-type": requests.content_type(settings.dialect), "accept": requests.JSON}
    return Request(settings.url, body, {**headers, **deployment_header(settings.deployment)})


def _unexpected(problem: str, reply: Reply, conversation: Conversation, said: str | None = None) -> UnexpectedReply:
    secrets = [conversation.secret]
    quoted = f" (it said: {clean(said, secrets, 200)})" if said else ""
    return UnexpectedReply(
        f"{conversation.settings.shown_url} answered 200, but {clean(problem, secrets, 500)}{quoted}",
        excerpt=excerpt(reply.body, (conversation.secret,)),
        request_id=request_id(reply.headers),
        **conversation.how(),
    )


def _dropped(infos: Sequence[ImageInfo], rows: int, reply: Reply, conversation: Conversation) -> ImageDropped:
    watching.dropped(conversation.settings, conversation.client_request_id, len(infos), rows)
    first = infos[0]
    name = describe(first.source) if first.source else "the image"
    what = f"{name} ({first.media_type}, {first.size[0]}x{first.size[1]} px)"
    if len(infos) > 1:
        what = f"{len(infos) - rows} of {len(infos)} images"
    timed_out = ", unless the container ran out of its own time, which looks the same: see its log" if not rows else ""
    return ImageDropped(
        f"the server could not read {what} and left it out of its reply: save it as a plain 8-bit JPEG or PNG"
        f"{timed_out}",
        request_id=request_id(reply.headers),
        **conversation.how(),
    )
