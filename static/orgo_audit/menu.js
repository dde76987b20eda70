// Brings the current place of a menu that is wider than a phone into sight. Moves nothing else.
"use strict";

{
  const here = document.querySelector(".top nav [aria-current]");
  const list = here?.closest("ul");
  if (list) list.scrollLeft += here.getBoundingClientRect().right - list.getBoundingClientRect().right + 8;
}
