// <ls-time iso="2026-01-31T06:00:00Z"> shows a moment in the time zone of the person who looks.
customElements.define("ls-time", class extends HTMLElement {
  static observedAttributes = ["iso"];
  connectedCallback() { this.show(); }
  attributeChangedCallback() { this.show(); }
  show() {
    const iso = this.getAttribute("iso");
    if (!iso) return;
    const at = new Date(iso), two = (number) => String(number).padStart(2, "0");
    const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
    const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
    const today = new Date().toDateString() === at.toDateString();
    this.textContent = today && this.getAttribute("day") === null ? clock : `${day} ${clock}`;
    this.title = iso;
  }
});
