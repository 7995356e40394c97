/** The worker of a training. No DOM. */
import { inSlices } from "../ui/slices.js";
import { Session } from "./session.js";

if (typeof DedicatedWorkerGlobalScope === "function") {
  const session = new Session((answer, transfer) => self.postMessage(answer, transfer), inSlices);
  self.onmessage = ({ data }) => session.handle(data);
}
