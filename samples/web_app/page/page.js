// The page: asks the server once an image, and draws, filters and compares what came without asking again.

import { colorsOf, compared, findings, outline, pixels } from "./results.js";

const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const UNREACHED = "The server cannot be reached. Is it running?";
let chosen = null; // the file
let shown = []; // [{deployment, result}], one or two
let asking = null; // stops the request before
let address = ""; // of the image, for the browser
let palette = []; // the colors of drawings, and of the labels shown
let colors = new Map();

async function begin() {
  listen(); // before the first answer: an image chosen meanwhile is scored when the tasks are known
  try {
    offer(await (await fetch("api/offer")).json());
  } catch {
    say("", `${UNREACHED} Then load this page again.`);
    return;
  }
  if (chosen) ask();
  else choose($("file").files[0]); // chosen before this script ran, or kept by the browser over a reload
}

function offer({ tasks, deployments, palette: given }) {
  palette = given;
  const words = (task) => task.replace("image-", "").replaceAll("-", " ");
  $("task").replaceChildren(...tasks.map((task) => new Option(words(task), task)));
  $("first").replaceChildren(...deployments.map((name) => new Option(name, name)));
  $("second").replaceChildren(new Option("nothing", ""), ...deployments.map((name) => new Option(name, name)));
  for (const label of document.querySelectorAll(".deployments")) label.hidden = deployments.length < 2;
  apart();
}

function listen() {
  $("file").addEventListener("click", () => { $("file").value = ""; }); // else the same file is no change, and not asked again
  $("file").addEventListener("change", () => choose($("file").files[0]));
  $("first").addEventListener("change", apart); // before it is asked
  for (const id of ["task", "first", "second"]) $(id).addEventListener("change", ask);
  $("limit").addEventListener("input", draw);
  $("labels").addEventListener("change", draw);
  $("copy").addEventListener("click", copy);
  $("heat").addEventListener("click", heat);
  $("again").addEventListener("click", ask);
  $("ask").addEventListener("submit", (event) => event.preventDefault());
  const drop = $("drop");
  addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  addEventListener("dragleave", () => drop.classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    choose(event.dataTransfer.files[0]);
  });
}

function choose(file) {
  if (!file) return;
  chosen = file;
  ask();
}

async function ask() {
  if (!chosen || !$("task").value) return;
  asking?.abort();
  const mine = asking = new AbortController();
  say(`Scoring ${chosen.name}…`);
  $("found").hidden = true;
  const deployments = [$("first").value, $("second").value].filter((name, i) => i === 0 || name);
  try {
    const results = await Promise.all(deployments.map((name) => score(name, mine.signal)));
    if (mine !== asking) return;
    shown = deployments.map((deployment, i) => ({ deployment, result: results[i] }));
    show();
  } catch (problem) {
    if (problem.name === "AbortError") return;
    say("", reason(problem));
    $("again").hidden = [413, 415, 422].includes(problem.status); // this image would be refused again
  }
}

/** A deployment is not compared with itself. */
function apart() {
  const [first, second] = [$("first"), $("second")];
  for (const option of second.options) option.disabled = option.value !== "" && option.value === first.value;
  if (second.selectedOptions[0]?.disabled) second.value = "";
}

/** What went wrong, in words for whoever chose the image. */
function reason(problem) {
  return typeof problem.detail === "string" ? problem.detail.replace(/^The upload\b/, chosen.name) : UNREACHED;
}

async function post(what, form, signal) {
  const answer = await fetch(`api/${$("task").value}/${what}`, { method: "POST", body: form, signal });
  if (answer.ok) return answer;
  const { detail = `The server answered ${answer.status}.` } = await answer.json().catch(() => ({}));
  throw { detail, status: answer.status };
}

function question(deployment) {
  const form = new FormData();
  form.append("image", chosen);
  if (deployment) form.append("deployment", deployment);
  return form;
}

/** Lays the reasons for the class over the image, or takes them away. */
async function heat() {
  const on = $("heat").getAttribute("aria-pressed") !== "true";
  const frames = [...document.querySelectorAll(".image .heat")];
  $("heat").disabled = true; // one explanation is dear enough
  try {
    if (on && !frames[0].src) {
      say("Explaining…");
      const answers = await Promise.all(shown.map(({ deployment }) => post("explain", question(deployment), asking.signal)));
      const maps = await Promise.all(answers.map((answer) => answer.blob()));
      frames.forEach((frame, i) => { frame.src = URL.createObjectURL(maps[i]); });
    }
    frames.forEach((frame) => { frame.hidden = !on; });
    $("heat").setAttribute("aria-pressed", on);
    say(on ? "The bright places speak for the class." : "");
  } catch (problem) {
    if (problem.name !== "AbortError") say("", reason(problem));
  } finally {
    $("heat").disabled = false;
  }
}

async function score(deployment, signal) {
  const form = question(deployment);
  return (await post("score", form, signal)).json();
}

function show() {
  if (address) URL.revokeObjectURL(address);
  address = URL.createObjectURL(chosen);
  const names = [...new Set(shown.flatMap(({ result }) => findings(result).slice(0, 8).map((one) => one.label)))];
  const boxes = names.map((name) => {
    const label = document.createElement("label");
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: true, value: name });
    label.append(box, ` ${name}`);
    return label;
  });
  $("labels").replaceChildren($("labels").querySelector("legend"), ...boxes);
  $("results").replaceChildren(...shown.map(article));
  $("heat").hidden = $("task").value !== "image-classification";
  $("heat").setAttribute("aria-pressed", false);
  $("found").hidden = false;
  draw();
}

function article({ deployment, result }) {
  const one = $("result").content.firstElementChild.cloneNode(true);
  const [width, height] = result.image.size;
  one.classList.toggle("classes", !result.objects);
  one.querySelector("h2").textContent = deployment || result.call.deployment || "Result";
  const image = one.querySelector("img");
  const withoutImage = (words) => unseen(one, `${width} / ${height}`, words);
  image.addEventListener("error", () => withoutImage("This browser cannot show the image."));
  image.addEventListener("load", () => { // Chromium does not turn a WebP as its EXIF says
    if (image.naturalWidth !== width) withoutImage("This browser cannot show the image upright.");
  });
  Object.assign(image, { src: address, width, height, alt: `The image ${chosen.name}` });
  one.querySelector("svg").setAttribute("viewBox", `0 0 ${width} ${height}`);
  one.querySelector("caption").textContent = `What ${deployment || "the model"} found, best first`;
  return one;
}

/** An image that the browser cannot show, such as a TIFF: its place is kept, so that the boxes are where they belong. */
function unseen(one, ratio, words) {
  const frame = one.querySelector(".image");
  frame.classList.add("unseen");
  frame.style.aspectRatio = ratio;
  one.querySelector("h2").after(Object.assign(document.createElement("p"), { textContent: words }));
}

function wanted(result) {
  const limit = Number($("limit").value);
  const unwanted = new Set([...$("labels").querySelectorAll("input:not(:checked)")].map((box) => box.value));
  return findings(result).filter((one) => one.score > limit && !unwanted.has(one.label));
}

function draw() {
  $("limit-shown").textContent = Number($("limit").value).toFixed(2);
  colors = colorsOf(shown.flatMap(({ result }) => findings(result).map(({ label }) => label)), palette);
  const kept = shown.map(({ result }) => wanted(result));
  [...$("results").children].forEach((one, i) => drawOne(one, kept[i], shown[i].result.image.size));
  $("difference").textContent = kept.length < 2 ? "" : difference(...kept);
  say(kept.map((found, i) => told(shown[i], found.length)).join(", "));
}

function told({ deployment, result }, count) {
  const all = findings(result).length;
  const words = !all ? "nothing found" : count < all ? `${count} of ${all} shown` : `${count} shown`;
  return deployment ? `${deployment}: ${words}` : words;
}

function difference(first, second) {
  const { both, first: left, second: right } = compared(first, second);
  return `In both: ${both}. Only ${shown[0].deployment}: ${left}. Only ${shown[1].deployment}: ${right}.`;
}

function drawOne(one, found, size) {
  one.querySelector("svg").replaceChildren(...found.filter((object) => object.box).flatMap((o) => marks(o, size)));
  one.querySelector("tbody").replaceChildren(...found.map((object) => row(object, size)));
}

function marks(object, size) {
  const box = pixels(object.box, size);
  const letters = Math.max(...size) / 32;
  const made = [element("rect", { ...box, stroke: colors.get(object.label), "data-label": object.label })];
  if (object.polygons?.length) {
    made.push(element("path", { d: outline(object.polygons, size), fill: colors.get(object.label) }));
  }
  const place = { x: box.x + letters / 4, y: Math.max(box.y, 0) + letters, "font-size": letters, "stroke-width": letters / 8 };
  const text = element("text", place);
  text.textContent = `${object.label} ${object.score.toFixed(2)}`;
  return [...made, text];
}

function row(object, size) {
  const line = document.createElement("tr");
  const swatch = Object.assign(document.createElement("span"), { className: "swatch" });
  swatch.style.background = colors.get(object.label);
  const box = object.box ? pixels(object.box, size) : null;
  const edges = box ? [box.x, box.y, box.x + box.width, box.y + box.height].map(Math.round).join(", ") : "–";
  for (const words of [object.label, object.score.toFixed(3), edges]) {
    const cell = document.createElement("td");
    cell.textContent = words;
    line.append(cell);
  }
  line.firstElementChild.prepend(swatch);
  return line;
}

async function copy() {
  const results = shown.map(({ result }) => result);
  try {
    await navigator.clipboard.writeText(JSON.stringify(results.length > 1 ? results : results[0], null, 2));
    say("Copied.");
  } catch {
    say("", "The browser does not let this page copy.");
  }
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function say(words, error = "") {
  $("status").textContent = words;
  $("error").textContent = error;
  $("error").hidden = !error;
  $("again").hidden = true;
}

begin();
