/** Languages by the names clients know them by, and the templates that speak them. */
export const LANGUAGES: Readonly<Record<string, string>> = {
  python: "python",
  node: "node",
  javascript: "node",
  shell: "shell",
  bash: "shell",
};
