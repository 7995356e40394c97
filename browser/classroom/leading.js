/** The teacher's room in this browser tab: kept over a reload, and how many follow. */
import { connect } from "./connection.js";

/** The room of this tab, so that it is led again after a reload. */
const KEY = "latent-explorer-room";

/** @typedef {{code: string, token: string}} Led */

/** @param {Led|null} led */
export function keep(led) {
  try {
    if (led === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, JSON.stringify({ code: led.code, token: led.token }));
  } catch {
    // Frames of other sites may not store anything: the room then ends with the page.
  }
}

/** @returns {Led|null} */
export function kept() {
  try {
    const led = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
    return typeof led?.code === "string" && typeof led?.token === "string" ? led : null;
  } catch {
    return null;
  }
}

/** Return what is said of those who follow. @param {{following: number, done: number}} counts @param {boolean} task */
export function sentence({ following, done }, task) {
  if (following === 0) return "Nobody follows yet";
  return task ? `${following} following · ${done} done with this step` : `${following} following`;
}

/**
 * Be told how many follow, until the returned function is called.
 *
 * @param {string} address  of the teacher's websocket
 * @param {Led} led
 * @param {object} on
 * @param {(counts: {following: number, done: number}) => void} on.counts
 * @param {(status: import("./connection.js").Status) => void} on.status
 */
export function attend(address, led, { counts, status }) {
  const connection = connect(() => address, { message: counts, status, greeting: () => ({ token: led.token }) });
  const hurry = () => !document.hidden && connection.hurry();
  document.addEventListener("visibilitychange", hurry);
  return () => {
    document.removeEventListener("visibilitychange", hurry);
    connection.close();
  };
}
