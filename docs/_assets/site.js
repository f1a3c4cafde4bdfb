// Two things the theme leaves out for those who use a keyboard or a screen reader. It loads nothing.
document.querySelector(".md-search")?.setAttribute("aria-label", "Search");

const letTablesBeReached = () => {
  for (const one of document.querySelectorAll(".md-typeset__scrollwrap")) {
    if (one.scrollWidth > one.clientWidth) one.tabIndex = 0;
    else one.removeAttribute("tabindex");
  }
};
addEventListener("load", letTablesBeReached);
addEventListener("resize", letTablesBeReached);
