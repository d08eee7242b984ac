// Work that is done again and again while the page is seen.

// Run `work(signal)` until the returned function is called; it returns the seconds to the next time.
export function repeat(work) {
  const stopping = new AbortController();
  const { signal } = stopping;
  const run = async () => {
    while (!signal.aborted) {
      const seconds = await work(signal);
      await pause(1000 * seconds, signal);
      await untilSeen(signal);
    }
  };
  run().catch((error) => {
    if (error.name !== "AbortError") throw error;
  });
  return () => stopping.abort();
}

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function untilSeen(signal) {
  if (!document.hidden) return null;
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", resolve, { once: true, signal });
    signal.addEventListener("abort", resolve);
  });
}
