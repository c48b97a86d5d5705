// The player as a Jupyter widget: the model holds the trace, and remembers where the reader is.

import { SHARED, mount } from "./player.js";

const STOPPED = "Kernel stopped: run the cell again. Looking still works.";
const GONE = new Set(["terminating", "restarting", "autorestarting", "dead", "unknown"]);

/** Call `stopped` when the notebook's kernel ends or begins anew. Where no notebook tells us of its kernel, nothing happens. */
function whenTheKernelStops(model, stopped) {
  const session = model.widget_manager?.context?.sessionContext, signals = [session?.statusChanged, session?.kernelChanged];
  const hear = (_, news) => { if (GONE.has(news) || (news && typeof news === "object" && "newValue" in news && news.oldValue)) stopped(); };
  for (const signal of signals) signal?.connect(hear);
  return () => { for (const signal of signals) signal?.disconnect(hear); };
}

function render({ model, el }) {
  const root = document.createElement("div");
  el.append(root);
  const start = Object.fromEntries(SHARED.map((name) => [name, model.get(name)]));
  const player = mount(root, model.get("trace"), {
    start,
    changed(news) {
      for (const [name, value] of Object.entries(news)) model.set(name, value);
      model.save_changes();
    },
  });
  const hear = SHARED.map((name) => {
    const listener = () => player.set({ [name]: model.get(name) });
    model.on(`change:${name}`, listener);
    return () => model.off(`change:${name}`, listener);
  });
  const forget = whenTheKernelStops(model, () => player.notice(STOPPED));
  return () => { forget(); hear.forEach((stop) => stop()); player.dispose(); };
}

export default { render };
