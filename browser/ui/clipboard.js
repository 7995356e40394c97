/** Copy to the clipboard. */
import { make } from "./dom.js";

/** Copy a text by the clipboard where the page may use it (https, localhost), else by selection. */
export async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = make("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (!copied) throw new Error("the browser refused");
}
