// Tells the server the browser's time zone, so that pages show the viewer's own times; switches to UTC on request.
"use strict";

(() => {
  const NAME = "orgo_time_zone";
  const ONE_YEAR = 365 * 24 * 3600;
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  const pair = document.cookie.split("; ").find((text) => text.startsWith(`${NAME}=`));

  const remember = (zone) => {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `${NAME}=${zone}; Path=/; Max-Age=${ONE_YEAR}; SameSite=Lax${secure}`;
  };

  // UTC in the cookie was chosen by the person, and stays until they choose otherwise.
  if (pair !== `${NAME}=UTC`) remember(own);

  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-zone-shown]")) {
      const other = button.dataset.zoneShown === "UTC" ? own : "UTC";
      if (other === button.dataset.zoneShown) continue;
      button.textContent = `Show ${other}`;
      button.hidden = false;
      button.addEventListener("click", () => {
        remember(other);
        location.reload();
      });
    }
  });
})();
