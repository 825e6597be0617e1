// Total and flagged parts per time bucket; a click on a bar asks for its span.
export default {
  props: { buckets: Array },
  emits: ["pick"],
  data() { return { pointed: null }; },
  computed: {
    top() { return Math.max(1, ...this.buckets.map((bucket) => bucket.total)); },
    step() { return 1000 / Math.max(1, this.buckets.length); },
    days() {
      if (!this.buckets.length) return 0;
      return (new Date(this.buckets[this.buckets.length - 1].end) - new Date(this.buckets[0].start)) / 86400000;
    },
    ticks() {
      const every = Math.max(1, Math.ceil(this.buckets.length / 8));
      return this.buckets.map((bucket, at) => ({ ...bucket, at })).filter((bucket) => bucket.at % every === 0);
    },
  },
  methods: {
    bar(value) { return (value / this.top) * 118; },
    at(iso, day) {
      const at = new Date(iso), two = (number) => String(number).padStart(2, "0");
      const date = `${two(at.getMonth() + 1)}-${two(at.getDate())} `;
      return (day ? date : "") + `${two(at.getHours())}:${two(at.getMinutes())}`;
    },
    label(bucket) { return this.at(bucket.start, this.days > 1); },
    pick(bucket) { this.$emit("pick", bucket.start); },
  },
  template: `
  <div class="timeline stack">
    <svg viewBox="0 0 1000 150" preserveAspectRatio="none" role="img" aria-label="Parts per time bucket">
      <line x1="0" y1="128" x2="1000" y2="128" stroke="#4a525a" vector-effect="non-scaling-stroke"/>
      <g v-for="(bucket, at) in buckets" :key="bucket.start">
        <rect :x="at * step + step * .12" :width="step * .76" :y="128 - bar(bucket.total)" :height="bar(bucket.total)" fill="#4d5964"/>
        <rect :x="at * step + step * .12" :width="step * .76" :y="128 - bar(bucket.defect)" :height="bar(bucket.defect)" fill="#ff7a70"/>
        <rect class="hit" :x="at * step" :width="step" y="0" height="150" :data-start="bucket.start" @mouseenter="pointed = bucket" @mouseleave="pointed = null" @click="pick(bucket)"/>
      </g>
    </svg>
    <div style="position:relative;height:16px;margin-top:-28px;pointer-events:none"><span v-for="tick in ticks" :key="tick.start" class="muted"
      :style="{ position: 'absolute', left: (tick.at / buckets.length) * 100 + '%', fontSize: '11px', whiteSpace: 'nowrap' }">{{ label(tick) }}</span></div>
    <div class="say rowx"><span class="key"><i style="background:#4d5964"></i>all parts</span><span class="key"><i style="background:#ff7a70"></i>flagged</span>
      <span v-if="pointed">{{ at(pointed.start, true) }} – {{ at(pointed.end) }}: {{ pointed.total }} parts, {{ pointed.defect }} flagged<template v-if="pointed.unknown">, {{ pointed.unknown }} unknown</template></span>
      <span v-else class="muted">Click a bar to see its parts. Peak {{ top }} parts per bar.</span></div>
  </div>`,
};
