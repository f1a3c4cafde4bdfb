// What the theme leaves out for those who use a keyboard, a screen reader or a phone. It loads nothing.
document.querySelector(".md-search")?.setAttribute("aria-label", "Search");

// A long name in a table breaks where a reader would break it: after a dot, an underscore, a bracket; before a capital.
const PLACES = /(?<=\w[._(,=/-])(?=\w)|(?<=[a-z])(?=[A-Z])/;
for (const code of document.querySelectorAll(".md-typeset table:not([class]) code")) {
  for (const text of [...code.childNodes].filter((one) => one.nodeType === Node.TEXT_NODE)) {
    const parts = text.data.split(PLACES);
    text.replaceWith(...parts.flatMap((part, n) => (n ? [document.createElement("wbr"), part] : [part])));
  }
}

const letTablesBeReached = () => {
  for (const one of document.querySelectorAll(".md-typeset__scrollwrap")) {
    if (one.scrollWidth > one.clientWidth) one.tabIndex = 0;
    else one.removeAttribute("tabindex");
  }
};
addEventListener("load", letTablesBeReached);
addEventListener("resize", letTablesBeReached);

// No table is as wide as this; a message or command that is gets lines that fold.
const WIDEST_TABLE = 112;
for (const block of document.querySelectorAll(".md-typeset :is(.language-text, .language-sh)")) {
  const lines = block.querySelector("code")?.innerText.split("\n") ?? [];
  block.classList.toggle("long-lines", lines.some((line) => line.length > WIDEST_TABLE));
}
