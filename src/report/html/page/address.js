// What is looked at, as the part of the address behind `#`: so that it can be sent to somebody.
// t: test, a: attempt (from 1), p: step (from 1), s: span, v=compare with w; q, v, file, tag, by: the overview's filter.

function address() {
  const found = {};
  for (const part of location.hash.slice(1).split("&")) {
    const at = part.indexOf("=");
    if (at < 1) continue;
    try {
      found[part.slice(0, at)] = decodeURIComponent(part.slice(at + 1));
    } catch {
      // Not of our making.
    }
  }
  return found;
}

function hashOf(parts) {
  const given = Object.entries(parts).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return `#${given.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join("&")}`;
}

/** Changes the address without a step in the history: for what changes with every key. */
function readdress(changes) {
  history.replaceState(null, "", hashOf({ ...address(), ...changes }));
}

/** Goes elsewhere, so that the browser's way back leads here. */
function go(parts) {
  location.hash = hashOf(parts);
}

/** The address of this page with another place in it. */
function absolute(parts) {
  return `${location.href.split("#")[0]}${hashOf(parts)}`;
}
