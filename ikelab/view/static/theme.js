// Light or dark, as the page around the player is: JupyterLab, VS Code, else what the reader's system asks for.

const dark = matchMedia("(prefers-color-scheme: dark)");

function theme() {
  const { jpThemeLight, vscodeThemeKind, theme: chosen } = document.body.dataset;
  if (chosen === "light" || chosen === "dark") return chosen;
  if (jpThemeLight) return jpThemeLight === "true" ? "light" : "dark";
  if (vscodeThemeKind) return vscodeThemeKind.includes("light") ? "light" : "dark";
  return dark.matches ? "dark" : "light";
}

/** Keep `root`'s data-theme right; returns how to stop. */
export function followTheme(root) {
  const follow = () => { root.dataset.theme = theme(); };
  const watch = new MutationObserver(follow);
  watch.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-vscode-theme-kind", "data-theme"] });
  dark.addEventListener("change", follow);
  follow();
  return () => { watch.disconnect(); dark.removeEventListener("change", follow); };
}
