// Asks the browser for a passkey's signature and sends it with the form. Decides nothing: the vault does.
"use strict";

(() => {
  const TOLD = {
    NotAllowedError: "It was cancelled, or took too long. Nothing was sent; you can try again.",
    AbortError: "It was cancelled. Nothing was sent; you can try again.",
    InvalidStateError: "This device holds a passkey of yours already. Use another device, or a security key.",
    NotSupportedError: "This device knows none of the kinds of passkeys that are accepted here.",
    ConstraintError: "This device cannot check that it is you: set up a PIN, fingerprint or face first.",
    SecurityError: "The browser gives no passkeys to this address.",
  };
  const OTHER = "The browser could not use the passkey. Nothing was sent; you can try again.";

  const makes = async (options) =>
    navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
  const signs = async (options) =>
    navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });

  const origin = document.querySelector("[data-passkey-origin]")?.dataset.passkeyOrigin;
  const show = (name) => {
    for (const part of document.querySelectorAll(`[data-passkeys="${name}"]`)) {
      part.hidden = false;
      for (const link of part.querySelectorAll("a")) link.href = new URL(link.getAttribute("href"), origin);
    }
  };
  const obstacle = () => {
    if (origin && new URL(origin).origin !== location.origin) return "elsewhere";
    const known = window.PublicKeyCredential?.parseRequestOptionsFromJSON;
    return known && navigator.credentials ? "" : "missing";
  };

  const begin = (form) => {
    const button = form.querySelector("[data-passkey]");
    const state = form.querySelector("[role=status]");
    const options = JSON.parse(button.dataset.passkey);
    const act = button.dataset.passkeyAct === "create" ? makes : signs;
    const say = (sentence, isBad) => {
      state.textContent = sentence;
      state.className = isBad ? "notice bad" : "notice";
      state.hidden = false;
    };
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (button.getAttribute("aria-disabled") === "true") return;
      button.setAttribute("aria-disabled", "true");
      say("Follow your browser: it asks you to confirm with your passkey.", false);
      try {
        const answer = await act(options);
        form.elements.answer.value = JSON.stringify(answer.toJSON());
        say("Signed. It is being checked…", false);
        form.submit();
      } catch (error) {
        say(TOLD[error.name] ?? OTHER, true);
        button.removeAttribute("aria-disabled");
        button.focus();
      }
    });
    button.hidden = false;
  };

  const stopped = obstacle();
  if (stopped) {
    show(stopped);
    return;
  }
  show("ready");
  for (const form of document.querySelectorAll("form:has([data-passkey])")) begin(form);
})();
