"use strict";
// The health panel: how the chosen truck says that it is. Names, units and what is wrong come from the station, which knows the fields.

function showHealth(health) {
  $("health").hidden = health.time === null;
  if (health.time === null) return;
  $("health-sum").textContent = `${health.wrong.length ? say("problems").replace("%d", health.wrong.length) : say("well")} · ${clock(health.time)}`;
  $("health-sum").classList.toggle("bad", health.wrong.length > 0);
  $("wrong").replaceChildren(...health.wrong.map((words) => node("li", "", words)));
  const rooms = new Map();
  for (const field of health.fields) rooms.set(field.room, [...(rooms.get(field.room) ?? []), field]);
  $("fields").replaceChildren(...[...rooms].flatMap(([room, fields]) => {
    const head = node("tr");
    head.append(node("th", "", room));
    return [head, ...fields.map(fieldRow)];
  }));
}

function fieldRow(field) {
  const row = node("tr", field.wrong ? "bad" : "");
  const number = field.unit === "s" ? length(field.value) : [field.value.toLocaleString(language), field.unit].filter(Boolean).join(" ");
  row.append(node("td", "", field.name), node("td", "", field.words ?? number));
  return row;
}
