// Files with a reply: uploaded for the open conversation with the desk's form token, and kept for it while another one
// is open.

import { Attaching } from "/widget/attach.js";
import { sendFile } from "/widget/upload.js";

const $ = (id) => document.getElementById(id);
const { csrf } = $("main").dataset;

/** `open` returns the open conversation. */
export function wireAttaching({ open }) {
  const say = (text) => {
    $("attach-status").textContent = text;
  };
  const upload = (file, key, onProgress) =>
    sendFile(`/desk/api/conversations/${open().id}/attachments/${key}`, file, { "X-CSRF-Token": csrf }, onProgress);
  return new Attaching(
    {
      button: $("attach"),
      input: $("attach-input"),
      list: $("attached"),
      error: $("attach-error"),
      box: $("text"),
      area: $("talk"),
      largest: Number($("answer").dataset.largest),
    },
    { upload, say, onChange: () => {} },
  );
}
