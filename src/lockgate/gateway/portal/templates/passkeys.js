"use strict";
// Passkeys need a script, and so does what stands behind the # sign of a link. Nothing else here does.
(function () {
  function bytes(text) {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, function (sign) { return sign.charCodeAt(0); });
  }

  function text(buffer) {
    const plain = String.fromCharCode.apply(null, new Uint8Array(buffer));
    return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function read(options) {
    const known = function (one) { return Object.assign({}, one, { id: bytes(one.id) }); };
    options.challenge = bytes(options.challenge);
    if (options.user) { options.user.id = bytes(options.user.id); }
    if (options.excludeCredentials) { options.excludeCredentials = options.excludeCredentials.map(known); }
    if (options.allowCredentials) { options.allowCredentials = options.allowCredentials.map(known); }
    return options;
  }

  function written(credential) {
    const answer = credential.response, response = { clientDataJSON: text(answer.clientDataJSON) };
    if (answer.attestationObject) {
      response.attestationObject = text(answer.attestationObject);
      response.transports = answer.getTransports ? answer.getTransports() : [];
    } else {
      response.authenticatorData = text(answer.authenticatorData);
      response.signature = text(answer.signature);
      if (answer.userHandle) { response.userHandle = text(answer.userHandle); }
    }
    return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response: response });
  }

  function tell(form, message) {
    const place = form.querySelector("[data-problem]");
    place.textContent = message;
    place.hidden = !message;
  }

  document.querySelectorAll("form[data-passkey]").forEach(function (form) {
    const button = form.querySelector("button");
    if (!window.PublicKeyCredential) {
      tell(form, "This browser has no passkeys. Use another way.");
      button.disabled = true;
      return;
    }
    form.addEventListener("submit", async function (event) {
      const field = form.querySelector("input[name=proof]");
      if (field.value) { return; }
      event.preventDefault();
      tell(form, "");
      button.disabled = true;
      try {
        const options = read(JSON.parse(form.dataset.options));
        const container = navigator.credentials;
        const credential = form.dataset.passkey === "create"
          ? await container.create({ publicKey: options }) : await container.get({ publicKey: options });
        field.value = written(credential);
        form.submit();
      } catch (fault) {
        button.disabled = false;
        tell(form, fault.name === "InvalidStateError"
          ? "This device has a passkey for you already." : "Nothing was proved. Try again, or use another way.");
      }
    });
  });

  const link = document.querySelector("input[data-link]");
  if (link && location.hash.length > 1) {
    link.value = location.hash.slice(1);
    link.closest(".field").hidden = true;
    history.replaceState(null, "", location.pathname);
  }
})();
