// Reads diagrams, one JSON string a line, and answers each with what Mermaid's own parser makes of it, one JSON object a line:
// {"nodes": [[label, shape], …], "edges": [[from, to, label], …]} or {"error": message}.
import { createInterface } from "node:readline";
import DOMPurify from "dompurify";

// Mermaid cleans labels with DOMPurify, which needs a browser's document. Cleaning comes after parsing and is not what is
// tested here; so labels stay as they are, and no DOM (jsdom: 40 packages) is needed.
Object.assign(DOMPurify, { addHook() {}, sanitize: (text) => text });
const { default: mermaid } = await import("mermaid");
mermaid.initialize({ startOnLoad: false });

// What Mermaid puts for #quot; and #35; while it parses, back to what a browser would show.
const shown = (text) =>
  String(text ?? "").replaceAll("ﬂ°°", "&#").replaceAll("ﬂ°", "&").replaceAll("¶ß", ";");

async function parsed(text) {
  await mermaid.parse(text);
  const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
  return {
    nodes: [...db.getVertices().values()].map((node) => [shown(node.text), node.type ?? ""]),
    edges: db.getEdges().map((edge) => [edge.start, edge.end, shown(edge.text)]),
  };
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  let answer;
  try {
    answer = await parsed(JSON.parse(line));
  } catch (error) {
    answer = { error: String(error?.message ?? error) };
  }
  console.log(JSON.stringify(answer));
}
