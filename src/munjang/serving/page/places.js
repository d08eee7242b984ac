// Addresses of the views, which follow # in that of the page: #try, #runs, #runs/NAME.

// The view of an address, with its values.
export function placeOf(hash) {
  const [view, run] = hash.slice(1).split("/");
  if (view !== "runs") return { name: "try", values: {} };
  const name = decoded(run ?? "");
  return name ? { name: "run", values: { name } } : { name: "runs", values: {} };
}

export function addressOf(run) {
  return `#runs/${encodeURIComponent(run)}`;
}

// The path of a run on the server.
export function pathOf(run) {
  return `/runs/${encodeURIComponent(run)}`;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return ""; // an address that was typed
  }
}
