// Draws the report from the JSON document in #data. Whatever the document says goes into the page as text.
'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const percent = Math.round(data.level * 100);
  const redraws = [];

  // ---- Page elements -------------------------------------------------------------------------------------

  function element(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === false || value === null || value === undefined) continue;
      if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
      else node.setAttribute(name, value === true ? '' : value);
    }
    node.append(...children.flat().filter(child => child !== null && child !== undefined).map(
        child => child instanceof Node ? child : String(child)));
    return node;
  }

  const known = value => typeof value === 'number' && Number.isFinite(value);
  const fixed = (value, digits = 3) => known(value) ? value.toFixed(digits).replace('-', '−') : '—';
  const undefinedPgr = ({pgr_reason}) => element('small', {title: pgr_reason}, 'undefined');
  const short = key => (key || '').slice(0, 12);
  const words = name => name.replace(/_/g, ' ');
  const interval = estimate => estimate && estimate.ci && known(estimate.ci[0]) && known(estimate.ci[1]) ? estimate.ci : null;
  const between = ci => ci ? `[${fixed(ci[0])}, ${fixed(ci[1])}]` : '';
  const unique = list => [...new Set(list)];
  const variantText = variant => Object.entries(variant || {}).map(([key, value]) =>
      `${key} = ${typeof value === 'string' ? value : JSON.stringify(value)}`).join(', ');
  const metricName = words(data.metric) + (data.test === 'test' ? '' : ` on ${data.test}`);

  function section(id, title, explanation) {
    const node = element('section', {id, 'aria-labelledby': id + '-title'},
        element('h2', {id: id + '-title', tabindex: '-1'}, title), explanation ? element('p', {class: 'explain'}, explanation) : null);
    return node;
  }

  // What a section holds is made when it comes near the view, or else when the browser has nothing better to do.
  const pending = new Map();
  const watcher = new IntersectionObserver(entries => {
    entries.filter(entry => entry.isIntersecting).forEach(entry => fill(entry.target));
  }, {rootMargin: '600px'});

  function later(node, build) {
    node.classList.add('pending');
    pending.set(node, build);
  }

  function fill(node) {
    const build = pending.get(node);
    if (!build) return;
    pending.delete(node);
    watcher.unobserve(node);
    node.classList.remove('pending');
    build();
  }

  function fillAll() {
    for (const node of [...pending.keys()]) fill(node);
    refresh();
  }

  const whenIdle = window.requestIdleCallback ? action => window.requestIdleCallback(action, {timeout: 2000}) : action => setTimeout(action, 50);

  function fillWhenIdle() {
    const next = overview.hidden ? undefined : pending.keys().next().value;
    if (next === undefined) return;
    fill(next);
    whenIdle(fillWhenIdle);
  }

  function chooser(label, options, onchange, value = 0) {
    const select = element('select', {onchange: () => onchange(Number(select.value))},
        options.map((option, i) => element('option', {value: i, selected: i === value}, option)));
    return element('label', {}, label, select);
  }

  /// A table whose columns are {name, value(row) for sorting, cell(row), number}; rows can be filtered by a text.
  /// Of a long table the first rows are shown until all are asked for.
  function sortableTable(caption, columns, rows, textOf) {
    let shown = rows, column = -1, ascending = true, limit = 200;
    const body = element('tbody'), lines = new Map();
    const line = row => {
      if (!lines.has(row)) lines.set(row, element('tr', {}, columns.map(({cell, value, number, notes}) =>
          element('td', {class: number ? 'number' : notes ? 'notes' : false}, cell ? cell(row) : value(row)))));
      return lines.get(row);
    };
    const all = element('button', {type: 'button', onclick: () => {
      limit = Infinity;
      show();
    }});
    const order = new Map(rows.map((row, i) => [row, i]));
    const show = () => {
      const list = [...shown];
      if (column >= 0) {
        const {value} = columns[column];
        const missing = x => x === null || x === undefined || x === '' || Number.isNaN(x);
        list.sort((a, b) => {
          const x = value(a), y = value(b);
          if (missing(x) || missing(y)) return missing(x) - missing(y) || order.get(a) - order.get(b);
          const sign = typeof x === 'string' ? x.localeCompare(y, undefined, {numeric: true}) : x - y;
          return (ascending ? sign : -sign) || order.get(a) - order.get(b);
        });
      }
      body.replaceChildren(...list.slice(0, limit).map(line));
      all.hidden = list.length <= limit;
      all.textContent = `Show all ${list.length} rows`;
    };
    const heads = columns.map((c, i) => element('th', {scope: 'col', class: c.number ? 'number' : false},
        c.notes ? c.name : element('button', {type: 'button', onclick: () => {
          ascending = column === i ? !ascending : !c.number;
          column = i;
          heads.forEach((head, k) => k === i ? head.setAttribute('aria-sort', ascending ? 'ascending' : 'descending')
                                             : head.removeAttribute('aria-sort'));
          show();
        }}, c.name)));
    const count = element('span', {class: 'soft', role: 'status'});
    const texts = new Map(rows.map(row => [row, textOf(row).toLowerCase()]));
    const filter = text => {
      const parts = text.toLowerCase().split(/\s+/).filter(Boolean);
      shown = rows.filter(row => parts.every(part => texts.get(row).includes(part)));
      count.textContent = parts.length ? `${shown.length} of ${rows.length}` : '';
      show();
    };
    show();
    return [
      element('div', {class: 'controls'}, element('label', {}, 'Filter', element('input', {
        type: 'search', placeholder: 'words of a row', oninput: event => filter(event.target.value)})), count),
      element('div', {class: 'wide tall', tabindex: '0', role: 'region', 'aria-label': `${caption}, scrollable`},
          element('table', {}, element('thead', {}, element('tr', {}, heads)), body)),
      all
    ];
  }

  /// The first column names the row; `wordy` is a column of running text, the others are numbers.
  function plainTable(caption, heads, rows, wordy = -1) {
    const kind = i => i === wordy ? 'words' : i ? 'number' : false;
    return element('div', {class: wordy < 0 ? 'wide plain' : 'wide', tabindex: '0', role: 'region', 'aria-label': caption}, element('table', {},
        element('thead', {}, element('tr', {}, heads.map((head, i) => element('th', {scope: 'col', class: kind(i)}, head)))),
        element('tbody', {}, rows.map(row => element('tr', {}, row.map((cell, i) =>
            i ? element('td', {class: kind(i)}, cell) : element('th', {scope: 'row'}, cell)))))));
  }

  // ---- What the rows and runs are called -----------------------------------------------------------------

  const ladder = new Map(data.models.map((name, i) => [name, i]));
  const byLadder = (a, b) => (ladder.get(a) ?? 1e9) - (ladder.get(b) ?? 1e9) || a.localeCompare(b);
  const methods = unique(data.rows.map(row => row.method));
  const colour = method => `var(--c${Math.max(0, methods.indexOf(method)) % 8})`;
  const symbolOf = method => d3.symbols[Math.floor(Math.max(0, methods.indexOf(method)) / 8) % d3.symbols.length];

  const experimentsOf = rows => unique(rows.flatMap(row => row.runs.map(i => data.runs[i].experiment))).sort().join(', ');

  /// Rows of one key in the order of the table, named apart; a group begins anew where `cellOf` is taken.
  function groups(keyOf, labelOf, cellOf = null) {
    const found = [], alike = new Map();
    for (const row of data.rows) {
      const key = JSON.stringify(keyOf(row)), cell = cellOf && JSON.stringify(cellOf(row));
      if (!alike.has(key)) alike.set(key, []);
      let group = alike.get(key).find(g => !(cellOf && g.cells.has(cell)));
      if (!group) {
        group = {label: labelOf(row), rows: [], cells: new Set()};
        alike.get(key).push(group);
        found.push(group);
      }
      group.rows.push(row);
      group.cells.add(cell);
    }
    for (const suffix of [group => experimentsOf(group.rows), group => `protocol ${group.rows[0].protocol.slice(0, 8)}`,
                          group => found.indexOf(group) + 1]) {
      const times = new Map();
      for (const {label} of found) times.set(label, (times.get(label) || 0) + 1);
      for (const group of found.filter(g => times.get(g.label) > 1)) group.label += ` · ${suffix(group)}`;
    }
    return found;
  }

  const withVariant = (text, row) => text + (variantText(row.variant) ? ` · ${variantText(row.variant)}` : '');
  const withOrigin = (text, row) => row.imported ? `${text} · from ${row.origin}` : text;
  const origin = row => row.imported ? row.origin : '';
  const blocks = groups(row => row.block, row => withOrigin(withVariant(`${row.task}: ${row.weak} → ${row.strong}`, row), row));
  const runPlace = index => `#run-${index}`;
  const runLink = (index, text) => element('a', {href: runPlace(index)}, text);
  const modelsOf = run => run.kind === 'student' ? `${run.weak} → ${run.strong}` : run.kind === 'floor' ? run.weak : run.strong;
  const runName = run => `${run.kind === 'student' ? run.method : run.kind}: ${modelsOf(run)}, seed ${run.seed}`;

  // ---- Charts --------------------------------------------------------------------------------------------

  /// A figure that is drawn anew when its width changes. draw(svg, width) returns the height.
  function figure(title, description, draw) {
    const holder = element('div', {class: 'chart'});
    const node = element('figure', {}, element('h3', {}, title), holder,
        description ? element('figcaption', {}, description) : null);
    let width = 0;
    const redraw = () => {
      const now = Math.floor(holder.clientWidth);
      if (!now || now === width) return;
      width = now;
      holder.replaceChildren();
      const svg = d3.select(holder).append('svg').attr('role', 'img').attr('aria-label', title).attr('width', width);
      svg.attr('height', draw(svg, width));
    };
    redraws.push({node, redraw, placed: false});
    return node;
  }

  function refresh() {
    for (let i = redraws.length - 1; i >= 0; --i) {
      if (redraws[i].placed && !redraws[i].node.isConnected) redraws.splice(i, 1);
    }
    for (const entry of redraws) {
      entry.placed = entry.node.isConnected;
      entry.redraw();
    }
  }

  const clip = (text, length) => text.length > length ? text.slice(0, length - 1) + '…' : text;
  const textRoom = (texts, width) => Math.min(width * 0.36, 16 + 6.9 * d3.max(texts.length ? texts : [''], t => t.length));
  const lettersIn = room => Math.max(3, Math.floor((room - 12) / 6.9));

  function axes(svg, x, y, {left, top, right, bottom, width, height, xLabel, yLabel, xTicks = 6, yTicks = 6}) {
    if (x.bandwidth === undefined) {
      svg.append('g').attr('transform', `translate(0,${height - bottom})`)
          .call(d3.axisBottom(x).ticks(Math.max(2, Math.min(xTicks, (width - left - right) / 80))).tickSizeInner(-(height - top - bottom)).tickPadding(7));
    } else {
      const room = Math.max(3, Math.floor(x.step() / 7));
      svg.append('g').attr('transform', `translate(0,${height - bottom})`)
          .call(d3.axisBottom(x).tickSize(0).tickPadding(8).tickFormat(name => clip(String(name), room)));
    }
    svg.append('g').attr('transform', `translate(${left},0)`)
        .call(d3.axisLeft(y).ticks(yTicks).tickSizeInner(-(width - left - right)).tickPadding(7));
    if (xLabel) svg.append('text').attr('class', 'soft').attr('x', (left + width - right) / 2).attr('y', height - 6).attr('text-anchor', 'middle').text(xLabel);
    if (yLabel) svg.append('text').attr('class', 'soft').attr('x', 2).attr('y', 12).text(yLabel);
  }

  function padded(values, share = 0.08) {
    const [low, high] = d3.extent(values.filter(known));
    if (low === undefined) return [0, 1];
    const room = (high - low || Math.abs(high) || 1) * share;
    return [low - room, high + room];
  }

  function mark(parent, x, y, method, title, size = 60) {
    parent.append('path').attr('transform', `translate(${x},${y})`).attr('d', d3.symbol().type(symbolOf(method)).size(size)())
        .style('fill', colour(method)).append('title').text(title);
  }

  function legend(entries) {
    return element('ul', {class: 'legend'}, entries.map(({name, stroke, dash, method, circle}) => {
      const item = element('li');
      const svg = d3.select(item).append('svg').attr('width', 26).attr('height', 12).attr('aria-hidden', 'true');
      if (circle) {
        svg.append('circle').attr('cx', 13).attr('cy', 6).attr('r', 5).attr('stroke-width', 2).style('stroke', stroke)
            .style('fill', circle === 'full' ? stroke : 'none');
      } else {
        svg.append('line').attr('x2', 26).attr('y1', 6).attr('y2', 6).attr('stroke-width', 2).attr('stroke-dasharray', dash || null)
            .style('stroke', stroke);
      }
      if (method !== undefined) mark(svg, 13, 6, method, '', 45);
      item.append(name);
      return item;
    }));
  }

  const methodLegend = list => list.map(method => ({name: method, stroke: colour(method), method}));

  /// A section's choosers and the figures for what is chosen.
  function chosen(node, controls, build) {
    const state = controls.map(() => 0);
    const place = element('div');
    const update = () => {
      place.replaceChildren(...build(...state).filter(Boolean));
      refresh();
    };
    const choosers = controls.map(({label, options}, i) => options.length > 1 ? chooser(label, options, value => {
      state[i] = value;
      update();
    }) : null).filter(Boolean);
    if (choosers.length) node.append(element('div', {class: 'controls'}, choosers));
    node.append(place);
    update();
  }

  const chosenLater = (node, controls, build) => later(node, () => chosen(node, controls, build));

  // ---- Sections ------------------------------------------------------------------------------------------

  function leaderboard() {
    const node = section('leaderboard', 'Leaderboard',
        `Mean ${metricName} over seeds with ${percent} % intervals; PGR is the performance gap recovered, ` +
        '(student − floor) / (ceiling − floor); where it is undefined the notes say why. A dash: not measured.');
    const compared = data.rows.some(row => row.comparison);
    const variants = data.rows.some(row => variantText(row.variant));
    const several = data.experiments.length > 1;
    const origins = data.rows.some(row => row.origin);
    const oracle = data.rows.some(row => known(row.oracle));
    const notes = row => [row.pgr ? null : row.pgr_reason && `PGR: ${row.pgr_reason}`, ...(row.notes || [])].filter(Boolean).join('; ');
    const estimate = (e, ci) => [fixed(e && e.mean), ci ? element('br') : null, ci ? element('small', {}, between(ci)) : null];
    const differ = value => unique(data.rows.map(value)).length > 1;
    const pair = row => `${row.weak} → ${row.strong}`;
    const common = [differ(row => row.task) ? null : data.rows[0].task, differ(pair) ? null : pair(data.rows[0])].filter(Boolean);
    if (common.length) node.append(element('p', {}, `All rows: ${common.join(', ')}.`));
    const columns = [
      differ(row => row.task) && {name: 'Task', value: row => row.task},
      several && {name: 'Experiment', value: row => experimentsOf([row])},
      origins && {name: 'From', value: row => row.origin || ''},
      differ(pair) && {name: 'Weak → strong', value: pair},
      variants && {name: 'Variant', value: row => variantText(row.variant)},
      {name: 'Method', value: row => row.method},
      {name: 'PGR', number: true, value: row => row.pgr ? row.pgr.mean : null, cell: row => row.pgr ? estimate(row.pgr, interval(row.pgr)) : undefinedPgr(row)},
      {name: 'Student', number: true, value: row => row.student.mean, cell: row => estimate(row.student, interval(row.student))},
      {name: 'Floor', number: true, value: row => row.floor && row.floor.mean, cell: row => fixed(row.floor && row.floor.mean)},
      {name: 'Ceiling', number: true, value: row => row.ceiling && row.ceiling.mean, cell: row => fixed(row.ceiling && row.ceiling.mean)},
      compared && {name: 'Difference', number: true, value: row => row.comparison ? row.comparison.difference.mean : null, cell: row => {
        if (!row.comparison) return '—';
        const {difference, p_holm, baseline} = row.comparison;
        return [element('span', {class: p_holm < 0.05 ? difference.mean > 0 ? 'good' : 'bad' : false},
            (difference.mean > 0 ? '+' : '') + fixed(difference.mean)), element('br'),
          element('small', {}, `to ${baseline}` + (known(p_holm) ? `, p ${p_holm < 0.001 ? '< 0.001' : fixed(p_holm)}` : ''))];
      }},
      {name: 'Agreement', number: true, value: row => row.agreement ?? null, cell: row => fixed(row.agreement)},
      oracle && {name: 'Oracle', number: true, value: row => row.oracle ?? null, cell: row => fixed(row.oracle)},
      {name: 'Seeds', value: row => row.seeds, cell: row => row.runs.flatMap((index, i) =>
          [i ? ' ' : null, element('a', {href: runPlace(index), 'aria-label': runName(data.runs[index])}, data.runs[index].seed)])},
      data.rows.some(notes) && {name: 'Notes', notes: true, value: notes}
    ].filter(Boolean);
    node.append(...sortableTable('Leaderboard', columns, data.rows,
        row => [row.task, experimentsOf([row]), row.weak, row.strong, row.method, variantText(row.variant), row.origin || '', notes(row)].join(' ')));
    if (oracle) node.append(element('p', {class: 'explain'}, 'Oracle: the checkpoint that ground truth would choose. Not attainable, for analysis.'));
    for (const {name, about} of data.imports.filter(({name}) => data.rows.some(row => row.imported && row.origin === name))) {
      node.append(element('p', {class: 'explain'}, `From ${name}: imported ${about.imported || ''} out of ${about.archive || 'an archive'}` +
          `${about.from ? `, sent by "${about.from}"` : ''}; SHA-256 of the archive ${short(about.archive_sha256)}….`));
    }
    if (compared) node.append(element('p', {class: 'explain'}, 'Difference: paired test on the same seeds and examples, p adjusted after Holm.'));
    if (data.ranks.length > 1) {
      node.append(element('p', {class: 'explain'}, 'Mean rank: ' + data.ranks.map(({method, rank}) => `${method} ${fixed(rank, 2)}`).join(', ') + '.'));
    }
    return node;
  }

  function scaling() {
    const node = section('scaling', 'Strong model', `${metricName[0].toUpperCase() + metricName.slice(1)} of the students against the strong model, ` +
        'with the supervisor\'s floor and the ceiling of ground-truth labels. One line a method.');
    const families = groups(row => [row.task, row.weak, row.protocol, row.variant, origin(row)],
        row => withOrigin(withVariant(`${row.task}: supervisor ${row.weak}`, row), row),
        row => [row.strong, row.method]);
    chosenLater(node, [{label: 'Task and supervisor', options: families.map(f => f.label)},
      {label: 'Highlight', options: methods.length > 4 ? ['all methods', ...methods] : ['all methods']}], (index, highlight) => {
      const {rows} = families[index];
      const faded = method => highlight > 0 && methods[highlight - 1] !== method;
      const strong = unique(rows.map(row => row.strong)).sort(byLadder);
      const names = unique(rows.map(row => row.method));
      const title = `${metricName} by strong model`;
      return [figure(title, null, (svg, width) => {
        const height = 380, frame = {left: 52, right: 12, top: 24, bottom: 46, width, height};
        const x = d3.scaleBand().domain(strong).range([frame.left, width - frame.right]);
        const ends = rows.flatMap(row => [row.student.mean, ...(interval(row.student) || []), row.floor && row.floor.mean, row.ceiling && row.ceiling.mean]);
        const y = d3.scaleLinear().domain(padded(ends)).nice().range([height - frame.bottom, frame.top]);
        axes(svg, x, y, {...frame, xLabel: 'strong model', yLabel: metricName});
        const baseline = (name, dash) => {
          const points = strong.map(model => rows.find(row => row.strong === model && row[name])).filter(Boolean);
          const level = row => y(row[name].mean);
          for (const row of points) {
            svg.append('line').attr('x1', x(row.strong)).attr('x2', x(row.strong) + x.bandwidth()).attr('y1', level(row)).attr('y2', level(row))
                .style('stroke', 'var(--soft)').attr('stroke-dasharray', dash).attr('stroke-width', 1.6)
                .append('title').text(`${name} ${row.strong}: ${fixed(row[name].mean)}`);
          }
        };
        baseline('floor', '2 4');
        baseline('ceiling', '8 4');
        const shift = i => (i - (names.length - 1) / 2) * Math.min(22, 0.72 * x.bandwidth() / names.length);
        const place = row => x(row.strong) + x.bandwidth() / 2 + shift(names.indexOf(row.method));
        for (const method of names) {
          const line = rows.filter(row => row.method === method && known(row.student.mean)).sort((a, b) => byLadder(a.strong, b.strong));
          const of = svg.append('g').attr('opacity', faded(method) ? 0.12 : 1);
          of.append('path').attr('d', d3.line().x(place).y(row => y(row.student.mean))(line))
              .style('fill', 'none').style('stroke', colour(method)).attr('stroke-width', 2);
          for (const row of line) {
            const ci = interval(row.student);
            if (ci) of.append('line').attr('x1', place(row)).attr('x2', place(row)).attr('y1', y(ci[0])).attr('y2', y(ci[1])).style('stroke', colour(method));
            mark(of, place(row), y(row.student.mean), method, `${method}, ${row.strong}: ${fixed(row.student.mean)} ${between(ci)}`);
          }
        }
        return height;
      }), legend([...methodLegend(names), {name: 'floor', stroke: 'var(--soft)', dash: '2 4'}, {name: 'ceiling', stroke: 'var(--soft)', dash: '8 4'}])];
    });
    return node;
  }

  function heatMap() {
    const node = section('pairs', 'Pairs', 'Performance gap recovered by supervisor and strong model. Colours run from 0 to 1; a dash is undefined.');
    const tables = groups(row => [row.task, row.protocol, row.variant, row.method, origin(row)],
        row => withOrigin(withVariant(`${row.task}: ${row.method}`, row), row),
        row => [row.weak, row.strong]);
    chosenLater(node, [{label: 'Task and method', options: tables.map(t => t.label)}], index => {
      const {rows, label} = tables[index];
      const weak = unique(rows.map(row => row.weak)).sort(byLadder), strong = unique(rows.map(row => row.strong)).sort(byLadder);
      return [figure(`PGR of ${label}`, null, (svg, width) => {
        const left = textRoom([...weak, 'supervisor'], width), cell = Math.min(130, (width - left - 4) / strong.length), tall = 54;
        const scale = d3.scaleSequential(d3.interpolateViridis).domain([0, 1]).clamp(true);
        strong.forEach((model, i) => svg.append('text').attr('x', left + (i + 0.5) * cell).attr('y', 34).attr('text-anchor', 'middle')
            .text(clip(model, Math.max(3, Math.floor(cell / 7)))).append('title').text(model));
        svg.append('text').attr('class', 'soft').attr('x', left).attr('y', 14).text('strong model');
        svg.append('text').attr('class', 'soft').attr('x', 2).attr('y', 34).text('supervisor');
        weak.forEach((model, j) => {
          const top = 44 + j * tall;
          svg.append('text').attr('x', 2).attr('y', top + tall / 2 + 4).text(clip(model, lettersIn(left))).append('title').text(model);
          strong.forEach((other, i) => {
            const row = rows.find(r => r.weak === model && r.strong === other);
            if (!row) return;
            const value = row.pgr ? row.pgr.mean : null;
            const ci = interval(row.pgr);
            const box = svg.append('g');
            box.append('title').text(`${model} → ${other}: ` + (known(value) ? `${fixed(value)} ${between(ci)}` : row.pgr_reason || 'undefined'));
            box.append('rect').attr('x', left + i * cell + 1).attr('y', top + 1).attr('width', cell - 2).attr('height', tall - 2).attr('rx', 4)
                .style('fill', known(value) ? scale(value) : 'var(--stripe)');
            box.append('text').attr('x', left + (i + 0.5) * cell).attr('y', top + tall / 2 + 4).attr('text-anchor', 'middle')
                .style('fill', known(value) ? value > 0.47 ? '#111' : '#fff' : 'var(--ink)').text(fixed(value, 2));
          });
        });
        return 50 + weak.length * tall;
      })];
    });
    return node;
  }

  /// Points with intervals, one line a row of the block. lines: [{at, name}] to compare with.
  function forest(title, rows, estimateOf, lines, more = () => []) {
    return figure(title, null, (svg, width) => {
      const names = rows.map(row => row.method);
      const left = textRoom(names, width), step = 30, top = 34, bottom = 30, height = top + rows.length * step + bottom;
      const values = rows.flatMap(row => {
        const e = estimateOf(row);
        return e ? [e.mean, ...(interval(e) || []), ...more(row)] : [];
      });
      const x = d3.scaleLinear().domain(padded([...values, ...lines.map(line => line.at)])).nice().range([left, width - 14]);
      svg.append('g').attr('transform', `translate(0,${height - bottom})`)
          .call(d3.axisBottom(x).ticks(Math.max(2, Math.min(7, (width - left) / 60))).tickSizeInner(-(rows.length * step + 6)).tickPadding(7));
      for (const line of lines.filter(line => known(line.at))) {
        svg.append('line').attr('x1', x(line.at)).attr('x2', x(line.at)).attr('y1', top - 8).attr('y2', height - bottom)
            .style('stroke', 'var(--ink)').attr('stroke-dasharray', '5 4');
        const crowd = lines.find(other => other !== line && known(other.at) && Math.abs(x(other.at) - x(line.at)) < 56);
        const anchor = crowd ? (crowd.at < line.at ? 'start' : 'end') : x(line.at) > width - 60 ? 'end' : x(line.at) < left + 40 ? 'start' : 'middle';
        svg.append('text').attr('class', 'soft').attr('x', Math.max(left, Math.min(width - 16, x(line.at)))).attr('y', top - 12)
            .attr('text-anchor', anchor).text(line.name);
      }
      rows.forEach((row, i) => {
        const y = top + (i + 0.5) * step, e = estimateOf(row), ci = interval(e);
        svg.append('text').attr('x', 2).attr('y', y + 4).text(clip(row.method, lettersIn(left))).append('title').text(row.method);
        if (!e || !known(e.mean)) {
          const zero = lines.length && known(lines[0].at) ? x(lines[0].at) : left;
          svg.append('text').attr('class', 'soft').attr('x', Math.max(left, zero) + 8).attr('y', y + 4).text('undefined').append('title').text(row.pgr_reason || '');
          return;
        }
        for (const value of more(row)) svg.append('circle').attr('cx', x(value)).attr('cy', y + 8).attr('r', 2.2).style('fill', 'var(--soft)');
        if (ci) svg.append('line').attr('x1', x(ci[0])).attr('x2', x(ci[1])).attr('y1', y).attr('y2', y).style('stroke', colour(row.method)).attr('stroke-width', 2);
        mark(svg, x(e.mean), y, row.method, `${row.method}: ${fixed(e.mean)} ${between(ci)}`);
      });
      return height;
    });
  }

  function forests() {
    const node = section('methods', 'Methods', `Estimates with ${percent} % intervals over seeds and test examples; small dots are single seeds.`);
    chosenLater(node, [{label: 'Pair', options: blocks.map(b => b.label)}], index => {
      const {rows} = blocks[index];
      const base = name => rows.find(row => row[name]);
      const lines = ['floor', 'ceiling'].map(name => ({name, at: base(name) ? base(name)[name].mean : null})).filter(line => known(line.at));
      return [element('div', {class: 'figures'},
          forest(`Student: ${metricName}`, rows, row => row.student, lines,
                 row => row.runs.map(i => (data.runs[i].tests[data.test] || {})[data.metric]).filter(known)),
          forest('Performance gap recovered', rows, row => row.pgr, [{name: 'floor', at: 0}, {name: 'ceiling', at: 1}],
                 row => Object.values(row.pgr && row.pgr.per_seed || {}).filter(known)))];
    });
    return node;
  }

  /// series: [{name, method, xs, ys, dash}]
  function lineChart(title, series, xLabel, yLabel, {square = false, diagonal = false, dots = false} = {}) {
    return figure(title, null, (svg, width) => {
      const height = square ? Math.min(width, 400) : 300;
      const frame = {left: 52, right: 14, top: 24, bottom: 44, width, height};
      const x = d3.scaleLinear().domain(diagonal ? [0, 1] : d3.extent(series.flatMap(s => s.xs))).range([frame.left, width - frame.right]);
      const y = d3.scaleLinear().domain(diagonal ? [0, 1] : padded(series.flatMap(s => s.ys), 0.04)).range([height - frame.bottom, frame.top]);
      if (!diagonal) y.nice();
      axes(svg, x, y, {...frame, xLabel, yLabel});
      if (diagonal) svg.append('line').attr('x1', x(0)).attr('y1', y(0)).attr('x2', x(1)).attr('y2', y(1)).style('stroke', 'var(--soft)').attr('stroke-dasharray', '5 4');
      for (const s of series) {
        const points = s.xs.map((value, i) => [value, s.ys[i]]).filter(point => point.every(known));
        svg.append('path').attr('d', d3.line()(points.map(([a, b]) => [x(a), y(b)])))
            .style('fill', 'none').style('stroke', s.stroke).attr('stroke-width', 1.6).attr('stroke-dasharray', s.dash || null)
            .attr('stroke-opacity', series.length > 40 ? 0.3 : 1)
            .append('title').text(s.name);
        if (dots && series.length <= 40) for (const [a, b] of points) {
          svg.append('circle').attr('cx', x(a)).attr('cy', y(b)).attr('r', 3).style('fill', s.stroke)
              .append('title').text(`${s.name}: ${fixed(a)}, ${fixed(b)}`);
        }
      }
      return height;
    });
  }

  const quantities = fits => unique(fits.flatMap(fit => Object.keys(fit.validation || {})));
  const lastFit = run => run.fits.length && run.fits[run.fits.length - 1] !== null ? data.fits[run.fits[run.fits.length - 1]] : null;

  function curves() {
    const node = section('curves', 'Training', 'The last fit of every student: one line a seed. Losses of different methods are different functions; ' +
        'compare their shapes, not their heights.');
    const lists = blocks.map(block => unique(block.rows.map(row => row.method)));
    chosenLater(node, [{label: 'Pair', options: blocks.map(b => b.label)}], index => {
      const place = element('div');
      const draw = only => {
        const names = lists[index].filter((name, i) => only === 0 || i === only - 1);
        const runs = blocks[index].rows.filter(row => names.includes(row.method)).flatMap(row => row.runs.map(i => data.runs[i]));
        const fitted = runs.map(run => ({run, fit: lastFit(run)})).filter(({fit}) => fit);
        const logs = fitted.filter(({fit}) => fit.log && fit.log.step.length).map(({run, fit}) =>
            ({name: runName(run), stroke: colour(run.method), xs: fit.log.step, ys: fit.log.loss}));
        const figures = logs.length ? [lineChart('Training loss', logs, 'step', 'loss')] : [];
        for (const name of quantities(fitted.map(({fit}) => fit))) {
          figures.push(lineChart(words(name), fitted.filter(({fit}) => fit.validation && fit.validation[name]).map(({run, fit}) =>
              ({name: runName(run), stroke: colour(run.method), xs: fit.validation[name].step, ys: fit.validation[name].value})), 'step', words(name), {dots: true}));
        }
        place.replaceChildren(...(figures.length ? [element('div', {class: 'figures'}, figures), legend(methodLegend(names).map(({name, stroke}) => ({name, stroke})))]
                                                 : [element('p', {class: 'note'}, 'The store holds no logs of these fits.')]));
        refresh();
      };
      draw(0);
      return [lists[index].length > 1 ? element('div', {class: 'controls'}, chooser('Method', ['all', ...lists[index]], draw)) : null, place];
    });
    return node;
  }

  /// Mean confidence and accuracy of the bins of several runs together.
  function pooled(runs, test) {
    const bins = d3.range(15).map(() => [0, 0, 0]);
    for (const run of runs) {
      (run.reliability && run.reliability[test] || []).forEach(([n, confidence, accuracy], i) => {
        bins[i][0] += n;
        bins[i][1] += n * (confidence || 0);
        bins[i][2] += n * (accuracy || 0);
      });
    }
    const least = d3.sum(bins, ([n]) => n) / 1000;
    const filled = bins.filter(([n]) => n > 0 && n >= least);
    return {xs: filled.map(([n, c]) => c / n), ys: filled.map(([n, , a]) => a / n)};
  }

  function agreement(rows) {
    const shown = rows.filter(row => row.supervision && known(row.supervision.agreement_supervisor_right));
    if (!shown.length) return element('p', {class: 'note'}, 'No agreement with a supervisor was measured here.');
    return element('div', {}, figure('Agreement with the supervisor', null, (svg, width) => {
      const left = textRoom(shown.map(row => row.method), width), step = 30, top = 14, bottom = 44, height = top + shown.length * step + bottom;
      const x = d3.scaleLinear().domain([0, 1]).range([left, width - 14]);
      svg.append('g').attr('transform', `translate(0,${height - bottom})`)
          .call(d3.axisBottom(x).ticks(Math.min(6, (width - left) / 50)).tickSizeInner(-(shown.length * step)).tickPadding(7));
      svg.append('text').attr('class', 'soft').attr('x', (left + width) / 2).attr('y', height - 6).attr('text-anchor', 'middle').text('share of test examples');
      shown.forEach((row, i) => {
        const y = top + (i + 0.5) * step, right = row.supervision.agreement_supervisor_right, wrong = row.supervision.agreement_supervisor_wrong;
        svg.append('text').attr('x', 2).attr('y', y + 4).text(clip(row.method, lettersIn(left))).append('title').text(row.method);
        if (known(wrong)) {
          svg.append('line').attr('x1', x(right)).attr('x2', x(wrong)).attr('y1', y).attr('y2', y).style('stroke', 'var(--line)').attr('stroke-width', 3);
          svg.append('circle').attr('cx', x(wrong)).attr('cy', y).attr('r', 5.5).attr('stroke-width', 2).style('stroke', 'var(--c1)').style('fill', 'var(--panel)')
              .append('title').text(`${row.method}, supervisor wrong: ${fixed(wrong)}`);
        }
        svg.append('circle').attr('cx', x(right)).attr('cy', y).attr('r', 5.5).style('fill', 'var(--c0)')
            .append('title').text(`${row.method}, supervisor right: ${fixed(right)}`);
      });
      return height;
    }), legend([{name: 'where the supervisor is right', stroke: 'var(--c0)', circle: 'full'},
      {name: 'where it is wrong: copied errors', stroke: 'var(--c1)', circle: 'open'}]));
  }

  function baselinesOf(rows) {
    const runs = rows.flatMap(row => row.runs.map(i => data.runs[i]));
    const of = name => unique(runs.map(run => run[name]).filter(known)).map(i => data.runs[i]);
    return {floor: of('floor'), ceiling: of('ceiling')};
  }

  function behaviour() {
    const node = section('behaviour', 'Agreement and calibration', 'How far students follow their supervisor where it is right and where it is wrong, ' +
        'and how often predictions of a confidence are right, seeds together (15 bins; those with less than a thousandth of the examples are left out).');
    chosenLater(node, [{label: 'Pair', options: blocks.map(b => b.label)}], index => {
      const {rows} = blocks[index];
      const base = baselinesOf(rows);
      const series = [
        ...rows.map(row => ({name: row.method, stroke: colour(row.method), ...pooled(row.runs.map(i => data.runs[i]), data.test)})),
        {name: 'floor', stroke: 'var(--soft)', dash: '2 4', ...pooled(base.floor, data.test)},
        {name: 'ceiling', stroke: 'var(--soft)', dash: '8 4', ...pooled(base.ceiling, data.test)}
      ].filter(s => s.xs.length);
      return [element('div', {class: 'figures'}, agreement(rows), series.length ? element('div', {},
          lineChart('Calibration', series, 'confidence', 'accuracy', {square: true, diagonal: true, dots: true}), legend(series)) :
          element('p', {class: 'note'}, 'No probabilities are kept of these runs.'), gainByMisfit(rows))];
    });
    return node;
  }

  /// Score and PGR over a key of a sweep: one line a method, and a level line for what does not depend on it.
  function sweep() {
    const pointOf = row => ({...row.variant, ...(row.swept ? row.swept.point : {})});
    const keys = unique(data.rows.flatMap(row => Object.keys(pointOf(row))));
    if (!keys.length) return null;
    const node = section('sweep', 'Sweep', `${metricName[0].toUpperCase() + metricName.slice(1)} and PGR over a key of the sweep, with ` +
        `${percent} % intervals; dashed is a method that does not depend on it.`);
    const places = groups(row => [row.task, row.weak, row.strong, origin(row)], row => withOrigin(`${row.task}: ${row.weak} → ${row.strong}`, row));
    chosenLater(node, [{label: 'Key', options: keys}, {label: 'Pair', options: places.map(p => p.label)}], (k, index) => {
      const key = keys[k], here = places[index].rows.filter(row => known(row.student.mean));
      const swept = here.filter(row => key in pointOf(row)), valueOf = row => pointOf(row)[key];
      const values = unique(swept.map(valueOf)), numeric = values.every(known);
      values.sort((a, b) => numeric ? a - b : String(a).localeCompare(String(b)));
      const still = here.filter(row => !(key in pointOf(row)) && swept.some(other => other.block === row.block));
      const nameOf = row => {
        const {[key]: own, ...others} = pointOf(row);
        return (row.swept ? row.swept.method : row.method) + (variantText(others) ? ` · ${variantText(others)}` : '');
      };
      const names = unique([...swept, ...still].map(nameOf)), stroke = name => `var(--c${names.indexOf(name) % 8})`;
      const chart = (title, estimateOf, yLabel) => figure(title, null, (svg, width) => {
        const height = 340, frame = {left: 52, right: 16, top: 24, bottom: 46, width, height};
        const shown = [...swept, ...still].filter(estimateOf);
        if (!shown.length) {
          svg.append('text').attr('class', 'soft').attr('x', 2).attr('y', 22).text('Undefined at every point: the leaderboard\'s notes say why.');
          return 36;
        }
        const range = [frame.left, width - frame.right];
        const x = numeric ? d3.scaleLinear().domain(padded(values)).range(range) : d3.scaleBand().domain(values.map(String)).range(range);
        const at = value => numeric ? x(value) : x(String(value)) + x.bandwidth() / 2;
        const y = d3.scaleLinear().domain(padded(shown.flatMap(row => [estimateOf(row).mean, ...(interval(estimateOf(row)) || [])]))).nice()
            .range([height - frame.bottom, frame.top]);
        axes(svg, x, y, {...frame, xLabel: key, yLabel});
        for (const row of still.filter(estimateOf)) {
          const level = y(estimateOf(row).mean);
          svg.append('line').attr('x1', range[0]).attr('x2', range[1]).attr('y1', level).attr('y2', level).style('stroke', stroke(nameOf(row)))
              .attr('stroke-dasharray', '6 4').attr('stroke-width', 2).append('title').text(`${nameOf(row)}: ${fixed(estimateOf(row).mean)}`);
        }
        names.forEach((name, i) => {
          const line = swept.filter(row => nameOf(row) === name && estimateOf(row)).sort((a, b) => values.indexOf(valueOf(a)) - values.indexOf(valueOf(b)));
          const shift = 5 * (i - (names.length - 1) / 2);
          svg.append('path').attr('d', d3.line()(line.map(row => [at(valueOf(row)), y(estimateOf(row).mean)]))).style('fill', 'none')
              .style('stroke', stroke(name)).attr('stroke-width', 2);
          for (const row of line) {
            const ci = interval(estimateOf(row)), place = at(valueOf(row));
            if (ci) svg.append('line').attr('x1', place + shift).attr('x2', place + shift).attr('y1', y(ci[0])).attr('y2', y(ci[1])).style('stroke', stroke(name));
            svg.append('circle').attr('cx', place).attr('cy', y(estimateOf(row).mean)).attr('r', 4).style('fill', stroke(name))
                .append('title').text(`${name}, ${key} = ${valueOf(row)}: ${fixed(estimateOf(row).mean)} ${between(ci)}`);
          }
        });
        return height;
      });
      return [element('div', {class: 'figures'}, chart(`${metricName} over ${key}`, row => row.student, metricName),
          chart(`PGR over ${key}`, row => row.pgr, 'PGR')),
        legend(names.map(name => ({name, stroke: stroke(name), dash: still.some(row => nameOf(row) === name) ? '6 4' : null})))];
    });
    return node;
  }

  /// Score against the fraction of the examples that a method keeps: one line a chain of strategies.
  function selection() {
    const kept = data.rows.filter(row => row.selection && known(row.selection.keep) && known(row.student.mean));
    if (unique(kept.map(row => row.selection.keep)).length < 2) return null;
    const node = section('selection', 'Examples kept', `${metricName[0].toUpperCase() + metricName.slice(1)} and PGR against the fraction of the ` +
        `examples that a method keeps, with intervals; 1 is all of them${data.baseline ? ` (${data.baseline})` : ''}.`);
    const places = groups(row => [row.task, row.weak, row.strong, row.protocol, origin(row)],
        row => withOrigin(`${row.task}: ${row.weak} → ${row.strong}`, row)).filter(group => group.rows.some(row => kept.includes(row)));
    chosenLater(node, [{label: 'Pair', options: places.map(p => p.label)}], index => {
      const rows = places[index].rows, chains = unique(rows.filter(row => kept.includes(row)).map(row => row.selection.strategy));
      const all = rows.filter(row => row.method === data.baseline && !row.selection && known(row.student.mean));
      const stroke = chain => `var(--c${chains.indexOf(chain) % 8})`;
      const chart = (title, estimateOf, yLabel, lines) => figure(title, null, (svg, width) => {
        const height = 340, frame = {left: 52, right: 16, top: 24, bottom: 46, width, height};
        const shown = [...rows.filter(row => kept.includes(row)), ...all].filter(row => estimateOf(row));
        if (!shown.length) {
          svg.append('text').attr('class', 'soft').attr('x', 2).attr('y', 22).text('Undefined at every fraction: the leaderboard\'s notes say why.');
          return 36;
        }
        const ends = shown.flatMap(row => [estimateOf(row).mean, ...(interval(estimateOf(row)) || [])]);
        const x = d3.scaleLinear().domain([0, 1]).range([frame.left, width - frame.right]);
        const y = d3.scaleLinear().domain(padded([...ends, ...lines.map(line => line.at)])).nice().range([height - frame.bottom, frame.top]);
        axes(svg, x, y, {...frame, xLabel: 'fraction kept', yLabel});
        for (const {at, name, dash} of lines.filter(line => known(line.at))) {
          svg.append('line').attr('x1', x(0)).attr('x2', x(1)).attr('y1', y(at)).attr('y2', y(at)).style('stroke', 'var(--soft)')
              .attr('stroke-dasharray', dash).append('title').text(`${name} ${fixed(at)}`);
          svg.append('text').attr('class', 'soft').attr('x', x(0) + 4).attr('y', y(at) + (name === 'floor' ? 14 : -5)).text(name);
        }
        const point = (row, at, colour, name, shift = 0) => {
          const e = estimateOf(row), ci = interval(e);
          if (ci) svg.append('line').attr('x1', x(at) + shift).attr('x2', x(at) + shift).attr('y1', y(ci[0])).attr('y2', y(ci[1])).style('stroke', colour);
          svg.append('circle').attr('cx', x(at) + shift).attr('cy', y(e.mean)).attr('r', 4).style('fill', colour)
              .append('title').text(`${name}, ${fixed(at, 2)} kept: ${fixed(e.mean)} ${between(ci)}`);
        };
        for (const chain of chains) {
          const line = shown.filter(row => row.selection && row.selection.strategy === chain).sort((a, b) => a.selection.keep - b.selection.keep);
          const end = all.filter(row => estimateOf(row)).slice(0, 1);
          const points = [...line.map(row => [row.selection.keep, estimateOf(row).mean]), ...end.map(row => [1, estimateOf(row).mean])];
          svg.append('path').attr('d', d3.line()(points.map(([a, b]) => [x(a), y(b)]))).style('fill', 'none').style('stroke', stroke(chain)).attr('stroke-width', 2);
          for (const row of line) point(row, row.selection.keep, stroke(chain), row.method, 5 * (chains.indexOf(chain) - (chains.length - 1) / 2));
        }
        for (const row of all.filter(row => estimateOf(row))) point(row, 1, 'var(--ink)', row.method);
        return height;
      });
      const base = name => (rows.find(row => row[name]) || {})[name];
      const lines = [['floor', '2 4'], ['ceiling', '8 4']].map(([name, dash]) => ({name, dash, at: base(name) ? base(name).mean : null}));
      return [element('div', {class: 'figures'}, chart(`${metricName} by fraction kept`, row => row.student, metricName, lines),
          chart('PGR by fraction kept', row => row.pgr, 'PGR', [{name: 'floor', at: 0, dash: '2 4'}, {name: 'ceiling', at: 1, dash: '8 4'}])),
        legend([...chains.map(chain => ({name: words(chain), stroke: stroke(chain)})), all.length ? {name: data.baseline, stroke: 'var(--ink)'} : null].filter(Boolean))];
    });
    return node;
  }

  /// Scores on the test sets that are out of distribution.
  function shifts() {
    const lines = data.rows.flatMap(row => Object.entries(row.out_of_distribution || {}).map(([test, shift]) => ({row, test, shift})));
    if (!lines.length) return null;
    const node = section('shifts', 'Other test sets', 'Floor, ceiling, student and PGR on each of them, measured there; the drop is the score on the main test set ' +
        'minus the score there.');
    const variants = data.rows.some(row => variantText(row.variant));
    const estimate = (e, ci) => [fixed(e && e.mean), ci ? element('br') : null, ci ? element('small', {}, between(ci)) : null];
    later(node, () => node.append(...sortableTable('Other test sets', [
      {name: 'Test set', value: line => line.test},
      {name: 'Task', value: line => line.row.task},
      {name: 'Weak → strong', value: line => `${line.row.weak} → ${line.row.strong}`},
      variants && {name: 'Variant', value: line => variantText(line.row.variant)},
      {name: 'Method', value: line => line.row.method},
      {name: 'PGR', number: true, value: line => line.shift.pgr ? line.shift.pgr.mean : null, cell: line => line.shift.pgr ? estimate(line.shift.pgr, interval(line.shift.pgr)) : undefinedPgr(line.shift)},
      {name: 'Student', number: true, value: line => line.shift.student.mean, cell: line => estimate(line.shift.student, interval(line.shift.student))},
      {name: 'Floor', number: true, value: line => line.shift.floor && line.shift.floor.mean, cell: line => fixed(line.shift.floor && line.shift.floor.mean)},
      {name: 'Ceiling', number: true, value: line => line.shift.ceiling && line.shift.ceiling.mean, cell: line => fixed(line.shift.ceiling && line.shift.ceiling.mean)},
      {name: 'Drop', number: true, value: line => line.shift.drop, cell: line => fixed(line.shift.drop)}
    ].filter(Boolean), lines, ({row, test}) => [test, row.task, row.weak, row.strong, row.method, variantText(row.variant)].join(' '))));
    return node;
  }

  /// Misfit to the supervisor beside the gain over it, in the loss in which theory bounds the one by the other.
  function gainByMisfit(rows) {
    const shown = rows.filter(row => row.supervision && known(row.supervision.misfit_reverse) && known(row.supervision.gain_log_loss));
    if (shown.length < 2) return null;
    const names = unique(shown.map(row => row.method));
    return element('div', {}, figure('Gain over the supervisor by misfit', null, (svg, width) => {
      const height = 320, frame = {left: 52, right: 26, top: 24, bottom: 46, width, height};
      const misfit = row => row.supervision.misfit_reverse, gain = row => row.supervision.gain_log_loss;
      const x = d3.scaleLinear().domain(padded([0, ...shown.map(misfit)])).nice().range([frame.left, width - frame.right]);
      const y = d3.scaleLinear().domain(padded([0, ...shown.map(gain)])).nice().range([height - frame.bottom, frame.top]);
      axes(svg, x, y, {...frame, xLabel: 'misfit: mean KL(student ‖ supervisor), nats', yLabel: 'gain in log-loss, nats'});
      const from = Math.max(x.domain()[0], y.domain()[0]), to = Math.min(x.domain()[1], y.domain()[1]);
      if (from < to) svg.append('line').attr('x1', x(from)).attr('y1', y(from)).attr('x2', x(to)).attr('y2', y(to)).style('stroke', 'var(--soft)')
          .attr('stroke-dasharray', '2 4').append('title').text('gain = misfit: theory puts the student above it');
      for (const row of shown) mark(svg, x(misfit(row)), y(gain(row)), row.method,
          `${row.method}: misfit ${fixed(misfit(row))}, gain ${fixed(gain(row))}`, 80);
      return height;
    }), legend(methodLegend(names)));
  }

  function runList() {
    const node = section('runs', 'Runs', 'Every floor, ceiling and student. A run\'s page has its configuration, provenance, measures and examples.');
    const score = run => (run.tests[data.test] || {})[data.metric] ?? null;
    const variants = data.runs.some(run => variantText(run.variant));
    const place = new Map(data.runs.map((run, i) => [run, i]));
    later(node, () => node.append(...sortableTable('Runs', [
      {name: 'Run', value: run => short(run.key), cell: run => element('a', {href: runPlace(place.get(run)), 'aria-label': runName(run)}, element('code', {}, short(run.key)))},
      {name: 'Kind', value: run => run.kind},
      {name: 'Task', value: run => run.task},
      data.experiments.length > 1 && {name: 'Experiment', value: run => run.experiment},
      data.runs.some(run => run.origin) && {name: 'From', value: run => run.origin || ''},
      {name: 'Models', value: modelsOf},
      {name: 'Method', value: run => run.method || ''},
      variants && {name: 'Variant', value: run => variantText(run.variant)},
      {name: 'Seed', number: true, value: run => run.seed},
      {name: metricName, number: true, value: score, cell: run => fixed(score(run), 4)},
      {name: 'Fits', number: true, value: run => run.fits.length},
      {name: 'Seconds', number: true, value: run => (run.cost || {}).seconds ?? null, cell: run => fixed((run.cost || {}).seconds, 1)}
    ].filter(Boolean), data.runs, run => [run.key, run.experiment, run.kind, run.task, modelsOf(run), run.method || '', variantText(run.variant), 'seed ' + run.seed].join(' '))));
    return node;
  }

  // ---- A run's page --------------------------------------------------------------------------------------

  const kinds = [
    ['corrected', 'Errors corrected', 'supervisor wrong, student right'],
    ['lost', 'Right labels lost', 'supervisor right, student wrong'],
    ['copied', 'Errors copied', 'both wrong, the same label'],
    ['differently_wrong', 'Differently wrong', 'both wrong, different labels']
  ];

  function disagreements(run) {
    const node = section('run-examples', 'Supervisor, student and truth',
        'Test examples on which they disagree, those on which the student is surest; confidences in brackets. ' +
        'An example is named by its id, or by its place in the test set, counted from 0.');
    const called = label => typeof label === 'string' ? label : run.classes && run.classes[label] !== undefined ? run.classes[label] : label;
    const tests = Object.keys(run.against_supervisor || {});
    if (!tests.length) return null;
    chosen(node, [{label: 'Test set', options: tests}], index => {
      const {examples, counts, cases, described} = run.against_supervisor[tests[index]];
      const about = place => described[place] || {};
      const texts = Object.values(described).some(example => example.text);
      const text = ({text, second}) => element('span', {class: 'text'}, text || '', second ? [element('hr'), second] : null);
      const share = n => `${n} (${(100 * n / examples).toFixed(1)} %)`;
      return [
        plainTable('Counts', ['', 'Examples'], [['Both right', share(counts.both_right)],
          ...kinds.map(([kind, name, meaning]) => [`${name}: ${meaning}`, share(counts[kind])])]),
        ...kinds.filter(([kind]) => cases[kind].length).map(([kind, name], i) => element('details', {open: i === 0},
            element('summary', {}, `${name}: ${cases[kind].length} of ${counts[kind]}`),
            plainTable(name, ['Example', ...(texts ? ['Text'] : []), 'Truth', 'Supervisor', 'Student'],
                cases[kind].map(([place, truth, weak, strong, weakSure, strongSure]) => [about(place).id || place, ...(texts ? [text(about(place))] : []),
                  called(truth), `${called(weak)} (${fixed(weakSure, 2)})`, `${called(strong)} (${fixed(strongSure, 2)})`]), texts ? 1 : -1)))
      ];
    });
    return node;
  }

  function measureTable(caption, byTest) {
    const tests = Object.keys(byTest || {});
    if (!tests.length) return null;
    const names = unique(tests.flatMap(test => Object.keys(byTest[test]))).sort();
    return element('div', {}, element('h3', {}, caption), plainTable(caption, ['Measure', ...tests],
        names.map(name => [words(name), ...tests.map(test => fixed(byTest[test][name], 4))])));
  }

  function fitDetails(index, last) {
    if (index === null) return element('p', {class: 'note'}, 'A fit that was removed from the store.');
    const fit = data.fits[index];
    const log = fit.log && fit.log.step.length;
    const {log: _, validation: __, ...settings} = fit;
    const figures = [log ? lineChart('Loss', [{name: 'loss', stroke: 'var(--c0)', xs: fit.log.step, ys: fit.log.loss}], 'step', 'loss') : null,
      ...Object.entries(fit.validation || {}).map(([name, {step, value}]) =>
          lineChart(words(name), [{name, stroke: 'var(--c2)', xs: step, ys: value}], 'step', words(name), {dots: true}))].filter(Boolean);
    return element('details', {open: last, ontoggle: refresh},
        element('summary', {}, `${fit.kind} ${fit.model || ''}: ${fit.loss ? fit.loss.type + ', ' : ''}${fit.examples} examples` +
            `${known(fit.steps) ? `, ${fit.steps} steps, kept step ${fit.kept_step}` : ''}, ${fixed(fit.seconds, 2)} s`),
        element('div', {class: 'figures'}, figures), element('details', {}, element('summary', {}, 'Settings'),
            element('pre', {tabindex: '0'}, JSON.stringify(settings, null, 2))));
  }

  const costs = {fits: 'fits asked for', computed: 'fits computed', peak_bytes: 'peak memory'};

  function runPage(index) {
    const run = data.runs[index];
    const link = (name, text) => known(run[name]) ? runLink(run[name], text) : null;
    const about = section('run-about', runName(run));
    const facts = [
      ['kind', run.kind], ['key', element('code', {}, run.key)], ['experiment', run.experiment], run.origin ? ['from', run.origin] : null, ['task', run.task],
      run.method ? ['method', run.method] : null, run.weak ? ['weak model', run.weak] : null, run.strong ? ['strong model', run.strong] : null,
      ['seed', run.seed], variantText(run.variant) ? ['variant', variantText(run.variant)] : null,
      known(run.floor) ? ['floor', link('floor', runName(data.runs[run.floor]))] : null,
      known(run.ceiling) ? ['ceiling', link('ceiling', runName(data.runs[run.ceiling]))] : null,
      ...Object.entries(run.cost || {}).map(([name, value]) => [costs[name] || words(name), name === 'peak_bytes' ? `${(value / 1e6).toFixed(0)} MB` : name === 'seconds' ? fixed(value, 2) : value])
    ].filter(Boolean);
    about.append(element('dl', {}, facts.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)])));

    const measures = section('run-measures', 'Measures');
    measures.append(element('div', {class: 'figures'}, [measureTable('Test sets', run.tests),
      run.supervision ? measureTable('Against the supervisor', {value: run.supervision}) : null,
      measureTable('Oracle early stopping: the checkpoint that ground truth would choose', run.oracle),
      ...Object.keys(run.reliability || {}).map(test => lineChart(`Calibration on ${test}`,
          [{name: test, stroke: 'var(--c0)', ...pooled([run], test)}], 'confidence', 'accuracy', {square: true, diagonal: true, dots: true}))].filter(Boolean)));

    const training = section('run-fits', 'Fits', 'What the run was computed from; the last one gave the numbers.');
    training.append(...run.fits.map((fit, i) => fitDetails(fit, i + 1 === run.fits.length)));

    const origin = section('run-origin', 'Provenance and configuration');
    origin.append(element('pre', {tabindex: '0'}, JSON.stringify(data.provenances[run.provenance], null, 2)));
    if (known(run.config)) origin.append(element('details', {}, element('summary', {}, 'Resolved experiment (TOML)'), element('pre', {tabindex: '0'}, data.configs[run.config])));

    return [element('nav', {class: 'pager', 'aria-label': 'Runs'}, element('a', {href: '#runs'}, '← all runs'),
        index > 0 ? runLink(index - 1, 'previous run') : null, index + 1 < data.runs.length ? runLink(index + 1, 'next run') : null),
      about, measures, disagreements(run), training, origin].filter(Boolean);
  }

  // ---- The page ------------------------------------------------------------------------------------------

  const overview = document.getElementById('overview'), runMain = document.getElementById('run');
  const built = data.rows.length ? [leaderboard, scaling, heatMap, forests, sweep, selection, shifts, curves, behaviour, runList] : [runList];
  overview.append(...built.map(build => build()).filter(Boolean));
  document.getElementById('sections').append(...[...overview.children].map(node =>
      element('a', {href: '#' + node.id}, node.querySelector('h2').textContent)));
  const name = data.experiments.join(', ') || 'no experiment';
  document.getElementById('title').textContent = `w2s report: ${clip(name, 120)}`;
  document.title = `w2s report: ${clip(name, 60)}`;
  document.getElementById('summary').textContent =
      `${data.rows.length} rows, ${data.runs.length} runs, ${data.fits.length} fits; ${metricName} on the test set, ${percent} % intervals.`;

  let scroll = 0;
  function route() {
    const match = /^#run-(\d+)$/.exec(location.hash);
    const index = match ? Number(match[1]) : -1;
    const onRun = index >= 0 && index < data.runs.length;
    if (onRun && runMain.hidden) scroll = window.scrollY;
    overview.hidden = onRun;
    runMain.hidden = !onRun;
    runMain.replaceChildren(...(onRun ? runPage(index) : []));
    refresh();
    if (onRun) {
      window.scrollTo(0, 0);
      document.getElementById('run-about-title').focus({preventScroll: true});
      return;
    }
    const target = location.hash.length > 1 ? document.getElementById(location.hash.slice(1)) : null;
    if (target) {
      fillAll();  // the heights above it are settled
      target.scrollIntoView();
    } else {
      window.scrollTo(0, scroll);
    }
    whenIdle(fillWhenIdle);
  }
  window.addEventListener('hashchange', route);
  window.addEventListener('resize', () => requestAnimationFrame(refresh));
  window.addEventListener('beforeprint', fillAll);
  window.addEventListener('keydown', event => {
    if (event.key === 'Escape' && !runMain.hidden && !event.defaultPrevented) location.hash = '#runs';
  });
  if (location.hash) route();
  for (const node of pending.keys()) watcher.observe(node);
  requestAnimationFrame(() => whenIdle(fillWhenIdle));
})();
