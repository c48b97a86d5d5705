// The player as a Jupyter widget: the model holds the trace, and remembers where the reader is.

import { SHARED, mount } from "./player.js";

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
  return () => { hear.forEach((stop) => stop()); player.dispose(); };
}

export default { render };
