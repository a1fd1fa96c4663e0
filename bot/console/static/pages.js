// Small conveniences of the desk's plain pages: all of them work without.

const LOOK_MS = 700;

for (const form of document.querySelectorAll("form[data-busy], form[data-confirm]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) {
      event.preventDefault();
      return;
    }
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    if (form.dataset.busy) button.textContent = form.dataset.busy;
  });
}

for (const file of document.querySelectorAll(".file input")) {
  const label = file.closest(".file").querySelector("span");
  const unchosen = label.textContent;
  file.addEventListener("change", () => {
    const names = [...file.files].map((each) => each.name);
    label.textContent = names.length > 1 ? `${names.length} files: ${names.join(", ")}` : (names[0] ?? unchosen);
  });
}

document.getElementById("result")?.focus();

const filter = document.getElementById("filter");
filter?.addEventListener("input", () => {
  const wanted = filter.value.trim().toLowerCase();
  let shown = 0;
  for (const row of document.querySelectorAll("#documents tbody tr")) {
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
    shown += row.hidden ? 0 : 1;
  }
  document.getElementById("no-match").hidden = shown > 0;
});

const job = document.getElementById("job");
if (job && ["waiting", "running"].includes(job.dataset.state)) follow(job.dataset.id);

async function follow(id) {
  for (;;) {
    await new Promise((resume) => setTimeout(resume, LOOK_MS));
    const answer = await fetch(`/desk/api/jobs/${id}`).catch(() => null);
    if (!answer?.ok) continue;
    const { state, done, total, message } = await answer.json();
    if (!["waiting", "running"].includes(state)) {
      location.reload();
      return;
    }
    const steps = total ? ` (${done} of ${total})` : "";
    document.getElementById("job-message").textContent = message ? `${message}${steps}` : "A worker takes it in a moment.";
    const bar = document.getElementById("job-progress");
    if (total) Object.assign(bar, { max: total, value: done });
    else bar.removeAttribute("value");
  }
}
