import test from "ava";
import { ClockWatch } from "./clock-watch.ts";

test("a clock that is set back is behind until it has made good for it; being corrected gently is no step", (t) => {
  const clock = new ClockWatch();
  t.is(clock.see(1000, 10), 0);
  t.is(clock.see(1095, 110), 0);
  t.is(clock.see(5000, 120), 0, "ahead is no harm");
  t.is(clock.see(1500, 130), 3510);
  t.is(clock.see(1510, 140), 3500);
  t.is(clock.see(1505, 150), 3505, "and once more");
  t.is(clock.see(5021, 3700), 0);
});
