/** A button that copies the page's address, which restores what is shown. */

const SHOWN_MS = 4000;

/** Copies through the clipboard where the page may use it (https, localhost), else by selection. */
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (!copied) throw new Error("the browser refused");
}

/**
 * @param {HTMLElement} element
 * @returns {import("../panel.js").Panel}
 */
export function mount(element) {
  const button = document.createElement("button");
  const said = document.createElement("span");
  button.type = "button";
  button.textContent = "Copy link";
  button.title = "The address holds the model, the code, the map and the selection.";
  said.className = "lx-quiet";
  said.setAttribute("role", "status");
  button.style.width = "100%";
  element.append(button, said);
  let timer = 0;

  async function onClick() {
    try {
      await copy(location.href);
      said.textContent = "Copied";
    } catch {
      said.textContent = "Copy it from the address bar";
    }
    clearTimeout(timer);
    timer = setTimeout(() => (said.textContent = ""), SHOWN_MS);
  }

  button.addEventListener("click", onClick);
  return {
    update() {},
    destroy() {
      clearTimeout(timer);
      element.replaceChildren();
    },
  };
}
