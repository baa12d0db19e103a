// Charts of sums over time: what the server tells, drawn by uPlot. All texts are set as text.

const HEIGHT = 210;
// Of the room above the highest bar: for the mark of what is missing.
const ABOVE = 1.12;
const DAYS_WITH_YEARS = 300 * 86400;
// Hours or days between two times that are written below.
const BETWEEN = [1, 2, 3, 6, 12, 24, 48, 72, 120, 168, 240, 360];
// Where each chart is drawn: what it is of, and by what.
const drawn = new Map();
const root = document.documentElement;
const money = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const count = new Intl.NumberFormat("en", { notation: "compact" });

// The style sheet says colours, for light and dark: the names beside the chart have them.
function colour(look) {
  const found = document.querySelector(`.swatch.${look}`);
  return found ? getComputedStyle(found).backgroundColor : getComputedStyle(root).color;
}

function ink(element, name) {
  return () => getComputedStyle(element)[name];
}

function moments(u, splits) {
  const wide = u.scales.x.max - u.scales.x.min > DAYS_WITH_YEARS;
  return splits.map((seconds) => {
    const told = new Date(seconds * 1000).toISOString();
    if (seconds % 86400) return told.slice(11, 16);
    return wide ? told.slice(0, 10) : told.slice(5, 10);
  });
}

function options(element, chart) {
  const bars = uPlot.paths.bars({ size: [0.8, 60, 1] });
  const axis = {
    stroke: ink(element, "color"),
    font: "12px system-ui, sans-serif",
    grid: { stroke: ink(element, "borderTopColor"), width: 1 },
    ticks: { stroke: ink(element, "borderTopColor"), width: 1 },
  };
  const unit = chart.unit === "USD" ? (value) => `$${money.format(value)}` : count.format;
  return {
    width: element.clientWidth,
    height: HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: !chart.stacked } },
    scales: {
      x: { range: (u) => extent(drawn.get(element).chart) },
      y: { range: (u, low, high) => [Math.min(0, low ?? 0), (high ?? 0) * ABOVE || 1] },
    },
    axes: [
      { ...axis, size: 30, values: moments, incrs: BETWEEN.map((each) => each * chart.step) },
      { ...axis, size: 64, values: (u, splits) => splits.map((each) => unit(each)) },
    ],
    series: [
      {},
      ...ordered(chart).map((part) =>
        chart.stacked
          ? { paths: bars, width: 0, fill: () => colour(part.look), points: { show: false } }
          : { width: 2, stroke: () => colour(part.look), points: { show: true, size: 5 } },
      ),
    ],
    hooks: {
      draw: [(u) => mark(u, drawn.get(element).chart)],
      setCursor: [(u) => tell(u, element)],
    },
  };
}

function extent(chart) {
  return [chart.starts[0], chart.starts.at(-1) + chart.step];
}

// What stands on others is drawn before them.
function ordered(chart) {
  return chart.stacked ? [...chart.parts].reverse() : chart.parts;
}

// Bars stand in the middle of their hour or day.
function middles(chart) {
  return chart.starts.map((start) => start + chart.step / 2);
}

function values(chart) {
  return [middles(chart), ...ordered(chart).map((part) => part.tops)];
}

// A sum that misses something is more than it says: a mark above it, or where it would be.
function mark(u, chart) {
  const size = 5 * devicePixelRatio;
  u.ctx.save();
  u.ctx.fillStyle = colour("missing");
  chart.missing.forEach((words, place) => {
    if (!words) return;
    const top = Math.max(0, ...chart.parts.map((part) => part.tops[place] ?? 0));
    const x = u.valToPos(middles(chart)[place], "x", true);
    const y = u.valToPos(top, "y", true) - 2 * devicePixelRatio;
    u.ctx.beginPath();
    u.ctx.moveTo(x - size, y);
    u.ctx.lineTo(x + size, y);
    u.ctx.lineTo(x, y - 1.6 * size);
    u.ctx.fill();
  });
  u.ctx.restore();
}

// --- what is under the pointer ----------------------------------------------------------------

function tell(u, element) {
  const { chart, tip } = drawn.get(element);
  const place = u.cursor.idx;
  const shown = place !== null && place !== undefined && u.cursor.left >= 0;
  tip.hidden = !shown;
  if (!shown) return;
  const lines = chart.parts
    .map((part) => [part.look, part.name, part.words[place]])
    .filter(([, , words]) => words);
  if (chart.total[place] && lines.length > 1) lines.push(["", "all", chart.total[place]]);
  tip.replaceChildren(
    text("b", chart.moments[place]),
    ...lines.map(([look, name, words]) => line(look, name, words)),
    ...(chart.missing[place] ? [text("span", chart.missing[place], "warn")] : []),
    ...(lines.length || chart.missing[place] ? [] : [text("span", "nothing", "cut")]),
  );
  const left = u.valToPos(middles(chart)[place], "x") + u.over.offsetLeft;
  const right = left > element.clientWidth / 2;
  tip.style.left = right ? "" : `${left + 12}px`;
  tip.style.right = right ? `${element.clientWidth - left + 12}px` : "";
}

function text(tag, words, kind = "") {
  const made = document.createElement(tag);
  made.className = kind;
  made.textContent = words;
  return made;
}

function line(look, name, words) {
  const made = document.createElement("span");
  made.append(text("i", "", look ? `swatch ${look}` : ""), text("span", name), text("b", words));
  return made;
}

// --- drawing ----------------------------------------------------------------------------------

const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries)
    drawn.get(target)?.plot?.setSize({ width: target.clientWidth, height: HEIGHT });
});

function shape(chart) {
  return JSON.stringify([chart.stacked, chart.unit, chart.parts.map((part) => part.look)]);
}

function draw(element) {
  const json = element.dataset.chart;
  const before = drawn.get(element);
  if (before?.json === json) return;
  const chart = JSON.parse(json);
  if (before && shape(before.chart) === shape(chart)) {
    Object.assign(before, { json, chart });
    before.plot.setData(values(chart));
    return;
  }
  before?.plot.destroy();
  const tip = text("div", "", "tip");
  tip.hidden = true;
  const made = { json, chart, tip, plot: null };
  drawn.set(element, made);
  element.replaceChildren(tip);
  made.plot = new uPlot(options(element, chart), values(chart), element);
  sizes.observe(element);
}

function drawAll() {
  for (const element of drawn.keys())
    if (!element.isConnected) {
      drawn.get(element).plot.destroy();
      drawn.delete(element);
    }
  document.querySelectorAll("[data-chart]").forEach(draw);
}

function again() {
  for (const { plot } of drawn.values()) plot.redraw();
}

drawAll();
document.body.addEventListener("htmx:after:swap", drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
new MutationObserver(again).observe(root, { attributeFilter: ["data-theme"] });
