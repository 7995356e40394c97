/**
 * A widget of anywidget that shows an exported page in a notebook's cell.
 *
 * The model has `page` (HTML), `title`, `height` (CSS pixels), and what is pinned: `z`, a list of
 * numbers, null before the page is shown, and `y`, the label of a conditional model.
 */
export default {
  render({ model, el }) {
    const frame = document.createElement("iframe");
    frame.title = model.get("title");
    frame.setAttribute("sandbox", "allow-scripts allow-downloads");
    frame.setAttribute("allow", "fullscreen; clipboard-write");
    frame.style.cssText = `width: 100%; height: ${model.get("height")}px; border: 0; background: #fff`;
    frame.srcdoc = model.get("page");

    let isNew = true;
    const send = () =>
      model.get("z") !== null &&
      frame.contentWindow?.postMessage({ latentExplorer: { z: model.get("z"), y: model.get("y") } }, "*");
    const receive = ({ source, data }) => {
      if (source !== frame.contentWindow || !data?.latentExplorer) return;
      const stated = isNew && model.get("z") !== null; // in Python, before the page was there
      isNew = false;
      if (stated) {
        send();
        return;
      }
      model.set("z", data.latentExplorer.z);
      model.set("y", data.latentExplorer.y);
      model.save_changes();
    };
    window.addEventListener("message", receive);
    for (const name of ["z", "y"]) model.on(`change:${name}`, send);
    el.append(frame);
    return () => {
      window.removeEventListener("message", receive);
      for (const name of ["z", "y"]) model.off(`change:${name}`, send);
    };
  },
};
