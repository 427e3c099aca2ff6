"use strict";
(() => {
  const store = JSON.parse(document.getElementById("report-data").textContent);
  const root = document.documentElement;
  const charts = new Map();
  const paint = (name) => {
    const value = getComputedStyle(root).getPropertyValue("--" + name).trim();
    const inner = /^var\((--[\w-]+)\)$/.exec(value);
    return inner ? getComputedStyle(root).getPropertyValue(inner[1]).trim() : value;
  };

  // quantile colours: from down over neutral to up
  const between = (share) => {
    const [from, to] = share < 0.5 ? ["down", "soft"] : ["soft", "up"];
    const part = share < 0.5 ? 2 * share : 2 * share - 1;
    const [a, b] = [paint(from), paint(to)].map((c) => [1, 3, 5].map((i) => parseInt(c.slice(i, i + 2), 16)));
    return "rgb(" + a.map((x, i) => Math.round(x + part * (b[i] - x))).join(",") + ")";
  };

  // the same kinds as numbers.show
  const fixed = (v, digits) => {
    const text = v.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
    return /^-[0.,]*$/.test(text) ? text.slice(1) : text;
  };
  const UNITS = { money_en: [[1e9, "bn"], [1e6, "m"], [1e3, "k"]], money_zh: [[1e8, "亿"], [1e4, "万"]] };
  const money = (kind, v, digits) => {
    const [size, unit] = UNITS[kind].find(([least]) => Math.abs(v) >= least) || [1, ""];
    return unit ? digits(v / size) + " " + unit : fixed(v, 0);
  };
  const write = (kind, v) => {
    if (Array.isArray(v)) return v.map((x) => write(kind, x)).join(" … ");
    if (v === null || v === undefined || v === "" || Number.isNaN(+v)) return "–";
    v = +v;
    if (kind === "int") return fixed(v, 0);
    if (kind === "e") return v === 0 ? "0" : v.toExponential(1);
    if (kind === "bp") return fixed(1e4 * v, 1);
    if (kind === "x") return fixed(v, 1) + "×";
    if (kind in UNITS) return money(kind, v, (x) => fixed(x, 2));
    if (kind[0] === "p") return fixed(100 * v, +kind[1]) + "%";
    return fixed(v, +kind[1]);
  };
  // axis labels drop the zeros that a tooltip keeps
  const brief = (kind, v) => {
    if (kind in UNITS) return money(kind, v, (x) => String(+x.toPrecision(6)));
    if (kind === "e" || (kind !== "int" && Math.abs(v) >= 1e5)) return write(kind, v);
    if (kind === "int") return fixed(v, 0);
    const scale = kind[0] === "p" ? 100 : kind === "bp" ? 1e4 : 1;
    return +(v * scale).toPrecision(6) + (kind[0] === "p" ? "%" : kind === "x" ? "×" : "");
  };

  const bar = (api, from, to, row, thick) => {
    const a = api.coord([from, row]), b = api.coord([to, row]);
    return { x: a[0], y: a[1] - thick / 2, width: Math.max(b[0] - a[0], 1), height: thick };
  };
  const render = {
    upright: (params, api) => {
      const at = api.value(0), x = api.coord([at, api.value(1)])[0];
      const y1 = api.coord([at, api.value(1)])[1], y2 = api.coord([at, api.value(2)])[1];
      const style = { stroke: paint("ink"), lineWidth: 1.3, opacity: 0.8 };
      const line = (a, b, c, d) => ({ type: "line", shape: { x1: a, y1: b, x2: c, y2: d }, style });
      return { type: "group", children: [line(x, y1, x, y2), line(x - 4, y1, x + 4, y1), line(x - 4, y2, x + 4, y2)] };
    },
    interval: (params, api) => {
      const row = api.value(0), y = api.coord([api.value(1), row])[1];
      const x1 = api.coord([api.value(1), row])[0], x2 = api.coord([api.value(2), row])[0];
      const style = { stroke: paint("ink"), lineWidth: 1.3, opacity: 0.8 };
      const line = (a, b, c, d) => ({ type: "line", shape: { x1: a, y1: b, x2: c, y2: d }, style });
      return { type: "group", children: [line(x1, y, x2, y), line(x1, y - 4, x1, y + 4), line(x2, y - 4, x2, y + 4)] };
    },
    span: (params, api) => {
      const thick = Math.min(16, api.size([0, 1])[1] * 0.6);
      const shape = bar(api, api.value(1), api.value(2), api.value(0), thick);
      return { type: "rect", shape: { ...shape, r: 2 }, style: { fill: api.visual("color") } };
    },
  };
  const plain = (s) => String(s).replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);
  const tips = {
    heat: (kind, option) => (p) =>
      plain(option.yAxis.data[p.value[1]]) + " · " + plain(option.xAxis.data[p.value[0]]) +
      "<br><b>" + write(kind, p.value[2]) + "</b>",
    span: (axis, option) => (p) => {
      const days = store.axes[axis], last = days.length - 1;
      return plain(option.yAxis.data[p.value[0]]) + " · " + plain(p.seriesName) + "<br>" +
        days[Math.min(p.value[1], last)] + " … " + days[Math.min(p.value[2] - 1, last)];
    },
  };

  // an option with its @words replaced
  const resolve = (node, option, key) => {
    if (Array.isArray(node)) return node.map((n) => resolve(n, option, key));
    if (node && typeof node === "object") {
      const out = {};
      for (const k of Object.keys(node)) out[k] = resolve(node[k], option, k);
      return out;
    }
    if (typeof node !== "string" || node[0] !== "@") return node;
    const [word, first, second] = node.slice(1).split(":");
    switch (word) {
      case "axis": return store.axes[first];
      case "fmt": return key === "formatter" ? (v) => brief(first, v) : (v) => write(first, v);
      case "cell": return (p) => write(first, p.value[2]);
      case "date": return (v) => store.axes[first][Math.min(Math.round(v), store.axes[first].length - 1)];
      case "render": return render[first];
      case "tip": return (p) => tips[first](second, option)(p);
      default: return /^q\d$/.test(word) ? between(+word[1] / 9) : paint(word);
    }
  };
  const theme = (option) => {
    const muted = paint("muted"), line = paint("line");
    const axis = (a, split, flat) => ({
      ...a,
      axisLine: { lineStyle: { color: line } },
      axisTick: { show: false },
      splitLine: { show: split, lineStyle: { color: line } },
      axisLabel: { color: muted, fontSize: 11, hideOverlap: true, alignMaxLabel: flat ? "right" : null, ...a.axisLabel },
      nameTextStyle: { color: muted },
    });
    const legend = option.legend && option.legend.show;
    return {
      animation: false,
      textStyle: { fontFamily: paint("sans"), color: paint("ink") },
      aria: { enabled: true },
      ...option,
      grid: { left: 8, right: 16, top: legend ? 34 : 12, bottom: 8, containLabel: true, ...option.grid },
      legend: {
        itemWidth: 14, itemHeight: 9, icon: "roundRect", textStyle: { color: muted, fontSize: 12 },
        pageIconColor: muted, pageTextStyle: { color: muted }, show: false, ...option.legend,
      },
      tooltip: {
        backgroundColor: paint("card"), borderColor: line, padding: [6, 10],
        textStyle: { color: paint("ink"), fontSize: 12 }, ...option.tooltip,
      },
      ...(option.visualMap && { visualMap: { textStyle: { color: muted, fontSize: 11 }, ...option.visualMap } }),
      xAxis: axis(option.xAxis, option.xAxis.type === "value", option.xAxis.boundaryGap === false || option.xAxis.type === "value"),
      yAxis: axis(option.yAxis, option.yAxis.type === "value"),
    };
  };
  const draw = (element) => {
    const id = element.dataset.figure;
    let chart = charts.get(id);
    if (!chart) {
      chart = echarts.init(element, null, { renderer: "canvas" });
      charts.set(id, chart);
    }
    const raw = store.figures[id];
    const option = { ...raw, xAxis: resolve(raw.xAxis, raw, "xAxis"), yAxis: resolve(raw.yAxis, raw, "yAxis") };
    chart.setOption(theme(resolve(option, option, "")), true);
  };

  // charts are drawn when they come near the window
  const seen = new IntersectionObserver((entries) => {
    for (const e of entries) if (e.isIntersecting) { seen.unobserve(e.target); draw(e.target); }
  }, { rootMargin: "400px" });
  document.querySelectorAll(".chart").forEach((element) => seen.observe(element));
  const drawNear = (page) => page.querySelectorAll(".chart").forEach((element) => {
    const box = element.getBoundingClientRect();
    if (box.top < innerHeight + 400 && box.bottom > -400) { seen.unobserve(element); draw(element); }
  });
  const fit = new ResizeObserver((entries) => {
    for (const e of entries) { const c = charts.get(e.target.dataset.figure); if (c && e.contentRect.width) c.resize(); }
  });
  document.querySelectorAll(".chart").forEach((element) => fit.observe(element));
  const redraw = () => charts.forEach((chart) => draw(chart.getDom()));
  let screenTheme;  // paper is light
  window.addEventListener("beforeprint", () => {
    screenTheme = root.dataset.theme;
    root.dataset.theme = "light";
    pages.forEach((p) => p.classList.add("on"));
    document.querySelectorAll(".chart").forEach((element) => {
      draw(element);
      const chart = charts.get(element.dataset.figure);
      chart.resize({ width: element.closest(".wide") ? 1000 : 490, height: parseInt(element.style.height, 10) });
      const sheet = chart.renderToCanvas({ pixelRatio: 2 });
      sheet.removeAttribute("style");
      sheet.className = "sheet";
      element.after(sheet);
    });
  });
  window.addEventListener("afterprint", () => {
    document.querySelectorAll(".sheet").forEach((sheet) => sheet.remove());
    if (screenTheme) root.dataset.theme = screenTheme;
    else delete root.dataset.theme;
    open();
    redraw();
    charts.forEach((chart) => chart.resize());
  });

  // tabs and the index follow the address
  const pages = [...document.querySelectorAll(".page")];
  const open = () => {
    const wanted = decodeURIComponent(location.hash.slice(1));
    // a page's element is not named like its address, or the browser would scroll past the header
    const target = document.getElementById("page-" + wanted) || document.getElementById(wanted) || pages[0];
    const page = target.closest(".page");
    pages.forEach((p) => p.classList.toggle("on", p === page));
    document.querySelectorAll(".tabs a").forEach((a) => {
      if (a.getAttribute("href") === "#" + page.id.slice(5)) a.setAttribute("aria-current", "page");
      else a.removeAttribute("aria-current");
    });
    if (target === page) window.scrollTo({ top: 0, behavior: "instant" });
    else target.scrollIntoView();
    drawNear(page);
  };
  window.addEventListener("hashchange", open);
  const spy = new IntersectionObserver((entries) => {
    for (const e of entries) if (e.isIntersecting) {
      const mark = document.querySelector('.index a[href="#' + e.target.id + '"]');
      if (!mark) continue;
      mark.closest("ul").querySelectorAll("a").forEach((a) => a.removeAttribute("aria-current"));
      mark.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-70px 0px -75% 0px" });
  document.querySelectorAll(".page section").forEach((s) => spy.observe(s));

  // theme and colour habit; remembered where the browser lets a file remember
  const remember = (key, value) => { try { localStorage.setItem("superhet-" + key, value); } catch (e) { return; } };
  const recall = (key) => { try { return localStorage.getItem("superhet-" + key); } catch (e) { return null; } };
  const dark = () => root.dataset.theme
    ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const themed = recall("theme");
  if (themed) root.dataset.theme = themed;
  const habit = recall("habit-" + root.lang);
  if (habit) root.dataset.habit = habit;
  document.getElementById("switch-theme").addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    remember("theme", root.dataset.theme);
    redraw();
  });
  document.getElementById("switch-habit").addEventListener("click", () => {
    root.dataset.habit = root.dataset.habit === "red-up" ? "green-up" : "red-up";
    remember("habit-" + root.lang, root.dataset.habit);
    redraw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

  // tables sort by a click or the keyboard
  document.querySelectorAll("th button").forEach((button) => button.addEventListener("click", () => {
    const th = button.closest("th"), body = th.closest("table").tBodies[0];
    const at = [...th.parentNode.children].indexOf(th);
    const up = th.getAttribute("aria-sort") === "descending";
    th.parentNode.querySelectorAll("th").forEach((h) => h.removeAttribute("aria-sort"));
    th.setAttribute("aria-sort", up ? "ascending" : "descending");
    const value = (row) => row.children[at].dataset.v ?? row.children[at].textContent;
    const rows = [...body.rows];
    rows.sort((a, b) => {
      const x = value(a), y = value(b), p = parseFloat(x), q = parseFloat(y);
      const order = Number.isNaN(p) || Number.isNaN(q) ? String(x).localeCompare(String(y)) : p - q;
      return up ? order : -order;
    });
    body.append(...rows);
  }));
  open();
})();
