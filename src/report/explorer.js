// The explorer of a fovea report: shows over an image where attention goes, by layer, head and query token. The data
// are in #explorer-data, described in explorer.c and explorer_image.c. Without scripts the rest of the page works as well.
"use strict";

const element = id => document.getElementById(id);
const data = JSON.parse(element("explorer-data").textContent);
const views = [...data.layers.map((layer, index) => ({...layer, index, map: false})),
               ...data.maps.map((map, index) => ({...map, index, map: true, heads: 1}))];
const now = {image: 0, view: 0, head: -1, query: -1}; // head -1: the mean; query -1: the mean

const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
const colours = bytes(data.colours);
const percent = part => (100 * part).toPrecision(3) + " %";

// --- Numbers

// Weights of an image and layer: {most: (heads * queries), weights: (heads * queries, keys)}; unpacked when needed.
function weightsOf(image, layer) {
    const packed = data.images[image].layers[layer];
    if (typeof packed.weights === "string") {
        packed.weights = bytes(packed.weights);
        packed.most = new Float32Array(bytes(packed.most).buffer);
    }
    return packed;
}

const weightAt = (packed, keys, row, key) => packed.weights[row * keys + key] / 255 * packed.most[row];

// Whether the weights lie over the image; otherwise they are shown as a table of queries and keys.
const hasPlaces = view => view.map || (view.rows > 0 && view.groups === 1);

// The values to show, (rows, columns): over the image, or, where tokens have no place, queries by keys.
function valuesOf(image, view, head, query) {
    if (view.map) {
        const map = data.images[image].maps[view.index];
        const values = Float64Array.from(bytes(map.values), byte => map.least + byte / 255 * (map.most - map.least));
        return {rows: view.rows, columns: view.columns, values};
    }
    const packed = weightsOf(image, view.index), {queries, keys, before} = view;
    const heads = head < 0 ? [...Array(view.heads).keys()] : [head];
    const tokens = view.rows * view.columns;
    const values = new Float64Array(hasPlaces(view) ? tokens : queries * keys);
    for (const h of heads) {
        for (let q = 0; q < queries; q++) {
            const row = h * queries + q;
            if (!hasPlaces(view)) {
                for (let k = 0; k < keys; k++) values[q * keys + k] += weightAt(packed, keys, row, k) / heads.length;
            } else if (view.slots) { // how the tokens turn to slot `query`
                if (q >= before) values[q - before] += weightAt(packed, keys, row, Math.max(query, 0)) / heads.length;
            } else if (query < 0 || query === q) {
                const share = heads.length * (query < 0 ? queries : 1);
                for (let t = 0; t < tokens; t++) values[t] += weightAt(packed, keys, row, before + t) / share;
            }
        }
    }
    return hasPlaces(view) ? {rows: view.rows, columns: view.columns, values} : {rows: queries, columns: keys, values};
}

// The value between the four tokens around a point, or of the nearest one.
function valueAt({rows, columns, values}, row, column, smooth) {
    row = Math.min(Math.max(row, 0), rows - 1);
    column = Math.min(Math.max(column, 0), columns - 1);
    if (!smooth) return values[Math.round(row) * columns + Math.round(column)];
    const top = Math.floor(row), left = Math.floor(column), below = Math.min(top + 1, rows - 1),
          right = Math.min(left + 1, columns - 1), down = row - top, across = column - left;
    return (values[top * columns + left] * (1 - across) + values[top * columns + right] * across) * (1 - down) +
           (values[below * columns + left] * (1 - across) + values[below * columns + right] * across) * down;
}

// --- Pictures

const pictures = data.images.map(image => {
    const picture = new Image();
    picture.src = image.picture;
    return picture;
});

// Paints image and map on a canvas whose longer side has `side` pixels; returns the ends of the scale.
function paint(canvas, side, view, head) {
    const shown = valuesOf(now.image, view, head, now.query), places = hasPlaces(view);
    const height = places ? data.height : shown.rows, width = places ? data.width : shown.columns;
    const zoom = side / Math.max(height, width), smooth = places && element("smooth").checked;
    const cover = places ? element("cover").value / 100 : 1;
    canvas.height = Math.round(height * zoom);
    canvas.width = Math.round(width * zoom);
    let least = Infinity, most = -Infinity;
    for (const value of shown.values) {
        least = Math.min(least, value);
        most = Math.max(most, value);
    }
    least = Math.max(least, 0);
    if (most - least <= 0.01 * most) most = least; // an even map looks even
    const context = canvas.getContext("2d", {willReadFrequently: true});
    context.imageSmoothingEnabled = zoom < 2;
    if (places) context.drawImage(pictures[now.image], 0, 0, canvas.width, canvas.height);
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
    for (let y = 0, at = 0; y < canvas.height; y++) {
        for (let x = 0; x < canvas.width; x++, at += 4) {
            let row = (y + 0.5) / zoom - 0.5, column = (x + 0.5) / zoom - 0.5;
            if (places) {
                row = (row - view.origin[0]) / view.step[0];
                column = (column - view.origin[1]) / view.step[1];
            }
            const value = valueAt(shown, row, column, smooth);
            const colour = Math.round(255 * Math.min(Math.max(most > least ? (value - least) / (most - least) : 0, 0), 1));
            const luma = 0.299 * pixels.data[at] + 0.587 * pixels.data[at + 1] + 0.114 * pixels.data[at + 2];
            for (let c = 0; c < 3; c++) { // the picture fades to grey, so that hue belongs to the map alone
                const under = pixels.data[at + c] * (1 - cover) + (70 + luma * 185 / 255) * cover;
                pixels.data[at + c] = colours[3 * colour + c] * cover + under * (1 - cover);
            }
            pixels.data[at + 3] = 255;
        }
    }
    context.putImageData(pixels, 0, 0);
    return {least, most, zoom};
}

// Frames the token that asks.
function markQuery(canvas, view, zoom) {
    const token = now.query - view.before;
    if (!canAsk(view) || token < 0) return;
    const context = canvas.getContext("2d", {willReadFrequently: true}), half = [view.step[0] / 2, view.step[1] / 2];
    const y = view.origin[0] + Math.floor(token / view.columns) * view.step[0] + 0.5 - half[0];
    const x = view.origin[1] + token % view.columns * view.step[1] + 0.5 - half[1];
    for (const [colour, width] of [["#000", 5], ["#fff", 2]]) {
        context.strokeStyle = colour;
        context.lineWidth = width;
        context.strokeRect(x * zoom, y * zoom, view.step[1] * zoom, view.step[0] * zoom);
    }
}

// --- Choosing

// Whether a token of the image can be the query.
const canAsk = view => !view.map && hasPlaces(view) && !view.slots && view.queries === view.keys;

const tokenName = (view, query) => query < view.before
    ? (view.before === 1 ? "class token" : `token ${query} without a place`)
    : `row ${Math.floor((query - view.before) / view.columns)}, column ${(query - view.before) % view.columns}`;

function option(value, text) {
    const item = document.createElement("option");
    item.value = value;
    item.textContent = text;
    return item;
}

function chooseImage(image) {
    now.image = image;
    show();
}

function chooseView(index) {
    const view = views[now.view = index];
    now.head = -1;
    now.query = !view.map && view.slots ? 0 : -1;
    show();
}

// A token under a point of the canvas, in parts of its size; with slots the slot that token turns to most.
function chooseToken(down, across) {
    const view = views[now.view];
    if (view.map || !hasPlaces(view)) return;
    const limit = (value, end) => Math.min(Math.max(Math.round(value), 0), end - 1);
    const row = limit((down * data.height - 0.5 - view.origin[0]) / view.step[0], view.rows);
    const column = limit((across * data.width - 0.5 - view.origin[1]) / view.step[1], view.columns);
    const token = view.before + row * view.columns + column;
    if (canAsk(view)) now.query = token;
    if (view.slots) {
        const packed = weightsOf(now.image, view.index), heads = now.head < 0 ? [...Array(view.heads).keys()] : [now.head];
        const sum = slot => heads.reduce((all, h) => all + weightAt(packed, view.keys, h * view.queries + token, slot), 0);
        now.query = [...Array(view.keys).keys()].reduce((best, slot) => sum(slot) > sum(best) ? slot : best, 0);
    }
    show();
}

function moveToken(event) {
    const steps = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]}[event.key];
    const view = views[now.view];
    if (!steps || !canAsk(view)) return;
    event.preventDefault();
    const token = Math.max(now.query - view.before, 0);
    const row = Math.min(Math.max(Math.floor(token / view.columns) + steps[0], 0), view.rows - 1);
    const column = Math.min(Math.max(token % view.columns + steps[1], 0), view.columns - 1);
    now.query = view.before + row * view.columns + column;
    show();
}

// --- Showing

function showQueries(view) {
    const list = element("query"), label = element("query-label");
    label.hidden = view.map || !hasPlaces(view) || (!view.slots && !canAsk(view));
    label.firstElementChild.textContent = view.slots ? "Memory slot" : "Query token";
    list.replaceChildren();
    if (label.hidden) return;
    if (!view.slots) list.append(option(-1, "mean of all"));
    for (let q = 0; q < (view.slots ? view.keys : view.queries); q++) {
        list.append(option(q, view.slots ? `slot ${q}` : tokenName(view, q)));
    }
    list.value = now.query;
}

function showHeads(view) {
    const strip = element("heads");
    strip.replaceChildren();
    strip.hidden = view.heads < 2;
    for (let head = -1; head < view.heads && view.heads > 1; head++) {
        const button = document.createElement("button"), canvas = document.createElement("canvas");
        paint(canvas, 64, view, head);
        button.append(canvas, head < 0 ? "mean" : `head ${head}`);
        button.setAttribute("aria-pressed", head === now.head);
        button.onclick = () => { now.head = head; show(); };
        strip.append(button);
    }
}

function showVerdict(image) {
    element("likeliest").replaceChildren(...image.likeliest.map(([label, probability]) => {
        const item = document.createElement("li");
        item.style.setProperty("--part", 100 * probability + "%");
        item.className = label === image.label ? "right" : "";
        item.textContent = `${data.classes[label]} ${(100 * probability).toFixed(1)} %`;
        return item;
    }));
}

function sentence(view, image) {
    const head = view.heads > 1 ? (now.head < 0 ? `mean of ${view.heads} heads` : `head ${now.head}`) : "";
    const what = view.map ? view.about
        : !hasPlaces(view) ? "weights of queries (rows) over keys (columns)" +
              (view.groups > 1 ? `, mean over ${view.groups} tokens at which the heads attend to each other` : "")
        : view.slots ? `how the tokens turn to slot ${now.query}`
        : now.query < 0 ? "what all tokens attend to, on average; click on the picture to ask one of them"
        : `what ${now.query < view.before ? "the " : "the token at "}${tokenName(view, now.query)} attends to`;
    return `${data.split} ${image.sample}, true class ${data.classes[image.label]}: ${what}${head ? `; ${head}` : ""}.`;
}

function show() {
    const view = views[now.view], image = data.images[now.image], canvas = element("view");
    const {least, most, zoom} = paint(canvas, 448, view, now.head);
    markQuery(canvas, view, zoom);
    canvas.style.cursor = view.map || !hasPlaces(view) ? "default" : "crosshair";
    element("cover").parentElement.hidden = element("smooth").parentElement.hidden = !hasPlaces(view);
    element("least").textContent = view.map ? "low" : percent(least);
    element("most").textContent = view.map ? "high" : percent(most);
    element("about").textContent = sentence(view, image);
    element("layer").value = now.view;
    showQueries(view);
    showHeads(view);
    showVerdict(image);
    [...element("pictures").children].forEach((button, i) => button.setAttribute("aria-pressed", i === now.image));
}

function start() {
    const ramp = element("ramp").getContext("2d", {willReadFrequently: true});
    for (let i = 0; i < 256; i++) {
        ramp.fillStyle = `rgb(${colours.slice(3 * i, 3 * i + 3).join()})`;
        ramp.fillRect(i, 0, 1, 1);
    }
    data.images.forEach((image, i) => {
        const button = document.createElement("button"), name = document.createElement("span");
        name.textContent = data.classes[image.label];
        name.className = image.likeliest[0][0] === image.label ? "" : "wrong";
        button.title = `${data.split} ${image.sample}: taken for ${data.classes[image.likeliest[0][0]]}`;
        button.append(pictures[i], name);
        button.onclick = () => chooseImage(i);
        element("pictures").append(button);
    });
    for (const [title, maps] of [["Attention layers", false], ["Maps by other methods", true]]) {
        const group = document.createElement("optgroup");
        group.label = title;
        views.forEach((view, i) => view.map === maps && group.append(option(i, view.name)));
        if (group.children.length) element("layer").append(group);
    }
    element("layer").onchange = event => chooseView(Number(event.target.value));
    element("query").onchange = event => { now.query = Number(event.target.value); show(); };
    element("cover").oninput = element("smooth").onchange = show;
    element("view").onkeydown = moveToken;
    element("view").onclick = event => {
        const box = element("view").getBoundingClientRect();
        chooseToken((event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width);
    };
    for (const button of document.querySelectorAll("[data-sample]")) { // mistakes that are here, too
        const index = data.images.findIndex(image => image.sample === Number(button.dataset.sample));
        button.disabled = index < 0;
        button.onclick = () => { chooseImage(index); element("explorer").scrollIntoView(); };
    }
    chooseView(0);
}

// --- With #selftest behind the address everything is tried once, and the page ends with what came of it.

function selfTest() {
    const lines = [], canvas = element("view");
    const looks = () => new Set(canvas.getContext("2d", {willReadFrequently: true}).getImageData(0, 0, canvas.width, canvas.height).data).size;
    for (const index of data.images.keys()) {
        element("pictures").children[index].click();
        for (const [number, view] of views.entries()) {
            element("layer").value = number;
            element("layer").dispatchEvent(new Event("change"));
            lines.push(`image ${index} view ${number} shades ${looks()}`);
            if (view.map || index) continue;
            const box = canvas.getBoundingClientRect(), heads = element("heads").children;
            if (heads.length) heads[heads.length - 1].click();
            canvas.dispatchEvent(new MouseEvent("click", {clientX: box.left + box.width * 0.6, clientY: box.top + box.height * 0.3}));
            const {values} = valuesOf(0, view, now.head, now.query);
            lines.push(`view ${number} head ${now.head} query ${now.query} most ${Math.max(...values)} at ${values.indexOf(Math.max(...values))}`);
        }
    }
    lines.push(document.documentElement.scrollWidth <= innerWidth ? "fits" : "is too wide", "done");
    const result = document.createElement("pre");
    result.id = "selftest";
    result.textContent = lines.join("\n");
    document.body.append(result);
}

start(); // pictures appear as they are decoded
const decoded = pictures.map((picture, i) => picture.decode().then(() => { if (i === now.image) show(); }));
if (location.hash === "#selftest") Promise.all(decoded).then(selfTest);
