// The opening hours page: room for one more day. Without script, saving makes room.

for (const button of document.querySelectorAll("[data-more]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const list = document.getElementById(button.dataset.more);
    const row = list.lastElementChild.cloneNode(true);
    for (const input of row.querySelectorAll("input")) input.value = "";
    list.append(row);
    row.querySelector("input").focus();
  });
}
