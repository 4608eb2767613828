import { listenTo } from "./listening.js";

// Times in the reader's own zone.
for (const time of document.querySelectorAll("time[datetime]")) {
  const moment = new Date(time.dateTime);
  if (!Number.isNaN(moment.getTime())) time.textContent = moment.toLocaleTimeString();
}

for (const button of document.querySelectorAll("button[data-listen]")) listenTo(button, button.parentElement.querySelector("[role=status]"));
