// Who is signed in: a private key in this page's memory, and nowhere else. It goes with the page, and after a rest.
import { addressOf, bytesOf, sign } from "./ethereum.js";

const REST_MINUTES = 30;

class Session {
  #key = null;
  #timer = 0;
  address = "";
  /** Called when nobody is signed in any more, with why. */
  onEnd = () => {};

  begin(key) {
    this.#key = key;
    this.address = addressOf(key);
    this.stay();
  }

  /** Somebody is there. */
  stay() {
    if (!this.#key) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.end(`signed out after ${REST_MINUTES} minutes of rest`), REST_MINUTES * 60_000);
  }

  end(reason) {
    clearTimeout(this.#timer);
    this.#key?.fill(0);
    this.#key = null;
    this.address = "";
    this.onEnd(reason);
  }

  get isOn() {
    return this.#key !== null;
  }

  /** The text of DCP's sealed message with this body. */
  async seal(body) {
    const text = JSON.stringify(body);
    const signature = await sign(this.#key, bytesOf(text));
    return `{"owner":"${this.address}","signature":${JSON.stringify(signature)},"body":${text}}`;
  }
}

export const session = new Session();
