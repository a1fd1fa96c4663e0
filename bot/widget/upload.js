// Sending one file with its progress, which fetch cannot tell; shared by the chat and the desk.

/** PUT a file; the record that the server made of it. An Error says why not, with its `status`, 0 for no answer. */
export function sendFile(address, file, headers, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const fail = (status, code, message) => reject(Object.assign(new Error(message), { status, code }));
    request.open("PUT", `${address}?name=${encodeURIComponent(wellFormed(file.name))}`);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => event.lengthComputable && onProgress(event.loaded / event.total));
    request.addEventListener("error", () => fail(0, "unreachable", "It did not reach us. Check the connection, then try again."));
    request.addEventListener("load", () => {
      const { error, attachment } = request.response ?? {};
      if (request.status === 201 && attachment) resolve(attachment);
      else fail(request.status, error?.code ?? "error", error?.message ?? "It could not be taken. Try again.");
    });
    request.send(file);
  });
}

/** A name that can be written in an address: lone surrogates cannot. */
function wellFormed(name) {
  return name.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
}
