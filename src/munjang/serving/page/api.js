// Requests to the server.

let key = null;

// Send this key with every request; it is kept in memory alone.
export function useKey(given) {
  key = given;
}

export function hasKey() {
  return key !== null;
}

// An answer that is none. `kind` is that of the server, or "unreachable" or "cut".
export class ServerError extends Error {
  constructor(kind, message = "", status = 0, seconds = null) {
    super(message);
    Object.assign(this, { kind, status, seconds });
  }
}

export async function get(path, signal) {
  return readJson(await send(path, { signal }));
}

export async function post(path, body, signal) {
  return readJson(await send(path, withBody(body, signal)));
}

// A file as a Blob.
export async function fetchFile(path, signal) {
  const response = await send(path, { signal });
  return response.blob().catch(asUnreachable);
}

// The events of a stream, as they come.
export async function* postStream(path, body, signal) {
  const response = await send(path, withBody(body, signal));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    while (true) {
      const { value, done } = await reader.read().catch(asUnreachable);
      if (done) throw new ServerError("cut");
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      for (const event of events) {
        if (!event.startsWith("data: ")) continue; // a comment that keeps the stream open
        const data = event.slice("data: ".length);
        if (data === "[DONE]") return;
        const part = JSON.parse(data);
        if (part.error) throw new ServerError(part.error.type, part.error.message, 500);
        yield part;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function withBody(body, signal) {
  const headers = { "Content-Type": "application/json" };
  return { method: "POST", body: JSON.stringify(body), headers, signal };
}

async function send(path, options) {
  const headers = { ...options.headers };
  if (key !== null) headers.Authorization = `Bearer ${key}`;
  const response = await fetch(path, { ...options, headers, cache: "no-store" })
    .catch(asUnreachable);
  if (response.ok) return response;
  const { type, message } = await response.json().then((body) => body.error, () => ({})) ?? {};
  const seconds = Number(response.headers.get("Retry-After")) || null;
  throw new ServerError(type, message ?? response.statusText, response.status, seconds);
}

function readJson(response) {
  return response.json().catch(asUnreachable);
}

function asUnreachable(error) {
  if (error.name === "AbortError") throw error;
  throw new ServerError("unreachable", error.message);
}
