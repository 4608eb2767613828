// Moments and durations as people read them, in the browser's zone.

/** `4:07`, or `1:04:07` from an hour on. */
export function duration(secs) {
  const all = Math.max(0, Math.floor(secs));
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** The time of day of a moment in seconds since 1970. */
export function clock(moment) {
  return moment === null ? "" : new Date(1000 * moment).toLocaleTimeString();
}
