// The end of a conversation: a score once after an agent closed, and a copy to keep as a file or by e-mail.

const $ = (id) => document.getElementById(id);

export class Ended {
  constructor(client, { say, onTrouble }) {
    Object.assign(this, { client, say, onTrouble });
    $("thoughts").addEventListener("submit", (event) => this.answer(event));
    $("no-thoughts").addEventListener("click", () => this.decline());
    $("keep-text").addEventListener("click", () => this.keep("text", "txt"));
    $("keep-json").addEventListener("click", () => this.keep("json", "json"));
    $("keep-mail").addEventListener("click", () => this.mail());
  }

  show(state) {
    if (state.ask_satisfaction && $("thoughts").hidden && !this.answered) {
      $("thoughts").hidden = false;
      $("thanked").hidden = true;
    }
    if (!state.ask_satisfaction) $("thoughts").hidden = true;
    if (state.owner !== "closed") {
      this.answered = false;
      $("thanked").hidden = true;
    }
    $("keep-mail").hidden = !state.mail;
  }

  async answer(event) {
    event.preventDefault();
    const chosen = $("thoughts").querySelector("[name=score]:checked");
    if (!chosen) {
      $("thoughts-error").textContent = "Choose a number from 1 to 5.";
      $("thoughts").querySelector("[name=score]").focus();
      return;
    }
    await this.send({ score: Number(chosen.value), comment: $("comment").value.trim() });
  }

  decline() {
    return this.send({ score: null });
  }

  async send(body) {
    try {
      await this.client.post("/satisfaction", body);
    } catch (error) {
      if (error.code !== "answered") {
        $("thoughts-error").textContent = error.message;
        return;
      }
    }
    this.answered = true;
    $("thoughts").hidden = true;
    $("thoughts").reset();
    $("thoughts-error").textContent = "";
    $("thanked").hidden = body.score === null;
    $("again").focus();
  }

  /** The token travels in a header, so the file is fetched first and then saved from memory. */
  async keep(format, suffix) {
    try {
      const answer = await this.client.request(`/transcript?format=${format}`);
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await answer.blob());
      link.download = `conversation.${suffix}`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
      this.say("The copy was saved.");
    } catch (error) {
      this.onTrouble(error.message);
    }
  }

  async mail() {
    try {
      await this.client.post("/transcript/mail", {});
      this.say("A copy is on its way to your e-mail address.");
      $("keep-mail").textContent = "Sent";
    } catch (error) {
      this.onTrouble(error.message);
    }
  }
}
