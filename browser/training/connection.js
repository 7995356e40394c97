/**
 * The page's side of a training: a worker, or where there is none the page itself. No DOM.
 *
 * @typedef {{send: (message: import("./session.js").Message) => void, stop: () => void}} Connection
 */
import { inSlices } from "../ui/slices.js";

let makeWorker = null;

/** Train in such workers from now on. @param {() => Worker} make  of worker.js */
export function useTrainingWorker(make) {
  makeWorker = make;
}

/** Train on the page itself, between its frames. @returns {Connection} */
function onPage(answer) {
  // Most pages never load it.
  const session = import("./session.js").then(({ Session }) => new Session(answer, inSlices));
  const send = (message) => session.then((one) => one.handle(message)).catch((error) => answer({ error: error.message }));
  return { send, stop: () => send({ pause: true }) };
}

/**
 * Start a session.
 *
 * @param {(answer: any) => void} answer  called with what the session posts
 * @returns {Connection}
 */
export function connect(answer) {
  if (makeWorker === null) return onPage(answer);
  try {
    return inWorker(makeWorker(), answer);
  } catch (error) {
    console.info(`The page trains without a worker: ${error.message ?? error}`);
    return onPage(answer);
  }
}

/** A worker; what it was sent goes to the page where it does not start. */
function inWorker(worker, answer) {
  let connection = null;
  let sent = [];
  worker.onmessage = ({ data }) => {
    sent = null; // it runs
    answer(data);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    worker.terminate();
    const reason = event.message ?? "its worker failed";
    if (sent === null) return answer({ error: `The training stopped: ${reason}. Reset it to begin anew.` });
    console.info(`The page trains without a worker: ${reason}`);
    connection = onPage(answer);
    sent.forEach(connection.send);
  };
  return {
    send(message) {
      if (connection !== null) return connection.send(message);
      sent?.push(message);
      worker.postMessage(message);
    },
    stop() {
      connection?.stop();
      worker.terminate();
    },
  };
}
