// What the theme leaves out for those who use a keyboard, a screen reader or a phone. It loads nothing.
document.querySelector(".md-search")?.setAttribute("aria-label", "Search");

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
