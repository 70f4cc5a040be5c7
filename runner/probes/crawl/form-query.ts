/** A control of a form, as far as a request needs it. */
export type Control = { name: string; type: string; value: string | undefined; checked: boolean };

/** What a person might type into an empty control. Fixed values: a crawl asks the same in every run. */
const typed: Record<string, string> = {
  text: "a",
  search: "a",
  email: "a@example.org",
  url: "http://localhost/",
  tel: "1",
  number: "1",
  range: "1",
  date: "2024-01-02",
  month: "2024-01",
  week: "2024-W01",
  time: "12:00",
  "datetime-local": "2024-01-02T12:00",
  color: "#000000",
};

/** The query that a form sends with GET: its preset values, else plausible ones. Without buttons, files and unticked boxes. */
export function formQuery(controls: readonly Control[]): string {
  const query = new URLSearchParams();
  for (const { name, type, value, checked } of controls) {
    if (name === "" || ["submit", "button", "reset", "image", "file", "password"].includes(type)) continue;
    if (type === "checkbox" || type === "radio") {
      if (checked) query.append(name, value ?? "on");
    } else {
      query.append(name, value || (typed[type] ?? ""));
    }
  }
  return query.toString();
}
