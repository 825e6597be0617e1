// The picture of one part: layers with opacity, boxes, the list of regions and the facts of the chosen one.
// Everything here happens in the browser: no round trip for a toggle.
export default {
  props: { views: Array, regions: Array },
  data() {
    return {
      view: 0, image: true, map: false, mask: true, coarse: false, boxes: true, mapOpacity: 0.7, maskOpacity: 0.55, chosen: null,
      size: [0, 0], stage: [0, 0],
    };
  },
  computed: {
    shown() { return this.views[this.view] || null; },
    here() { return this.shown ? this.regions.filter((region) => region.modality === this.shown.modality) : []; },
    sheet() {
      const [width, height] = this.size, [stageWidth, stageHeight] = this.stage;
      if (!width || !stageWidth) return { width: "100%", height: "100%" };
      const zoom = Math.min(stageWidth / width, stageHeight / height);
      return { width: width * zoom + "px", height: height * zoom + "px" };
    },
    facts() { return this.chosen === null ? null : this.regions.find((region) => region.index === this.chosen); },
  },
  methods: {
    choose(region) {
      this.chosen = this.chosen === region.index ? null : region.index;
      const at = this.views.findIndex((view) => view.modality === region.modality);
      if (at >= 0) this.view = at;
    },
    loaded(event) {
      // A map is smaller than its image; only the image tells the size that boxes are measured in.
      if (!this.shown.size) this.size = [event.target.naturalWidth, event.target.naturalHeight];
    },
    measure() { const box = this.$refs.stage?.getBoundingClientRect(); if (box) this.stage = [box.width, box.height]; },
    place(region) {
      const [x0, y0] = region.box, [width, height] = this.size;
      return { left: (x0 / width) * 100 + "%", top: (y0 / height) * 100 + "%" };
    },
    atTop(region) { return region.box[1] * (this.stage[1] / Math.max(this.size[1], 1)) < 18; },
  },
  watch: { view() { this.size = [0, 0]; } },
  mounted() {
    if (this.regions.length) this.chosen = this.regions[0].index;
    const first = this.views.findIndex((view) => this.regions.some((region) => region.modality === view.modality));
    if (first > 0) this.view = first;
    this.observer = new ResizeObserver(() => this.measure());
    this.observer.observe(this.$refs.stage);
    this.measure();
  },
  unmounted() { this.observer?.disconnect(); },
  template: `
  <div class="viewer">
    <div class="tools">
      <div class="tabs" role="tablist"><button v-for="(item, at) in views" :key="item.modality" class="tab" role="tab" :class="{ here: at === view }"
        :aria-selected="at === view" @click="view = at">{{ item.modality }}</button></div>
      <template v-if="shown">
        <label v-if="shown.image"><input type="checkbox" v-model="image" data-layer="image">Image</label>
        <label v-if="shown.map"><input type="checkbox" v-model="map" data-layer="map">Map
          <input type="range" min="0" max="1" step="0.05" v-model.number="mapOpacity" aria-label="Opacity of the map" :disabled="!map"></label>
        <label v-if="shown.mask"><input type="checkbox" v-model="mask" data-layer="mask">Mask
          <input type="range" min="0" max="1" step="0.05" v-model.number="maskOpacity" aria-label="Opacity of the mask" :disabled="!mask"></label>
        <span v-if="shown.mask && shown.confidence" class="muted" data-confidence title="How well the segmenter thinks that its mask fits (predicted IoU)">fits: {{ shown.confidence }}</span>
        <label v-if="shown.coarse"><input type="checkbox" v-model="coarse" data-layer="coarse">Coarse mask</label>
        <label v-if="here.length"><input type="checkbox" v-model="boxes" data-layer="boxes">Regions</label>
      </template>
    </div>
    <div class="stage" ref="stage">
      <div class="sheet" :style="sheet" v-if="shown">
        <img v-if="shown.image" v-show="image" :src="shown.image" alt="Image" data-shows="image" @load="loaded">
        <img v-if="shown.map" v-show="map" :src="shown.map" alt="Anomaly map" data-shows="map" :style="{ opacity: mapOpacity }">
        <img v-if="shown.mask" v-show="mask" :src="shown.mask" alt="Defect mask" data-shows="mask" :style="{ opacity: maskOpacity }">
        <img v-if="shown.coarse" v-show="coarse" :src="shown.coarse" alt="Coarse mask" data-shows="coarse" :style="{ opacity: maskOpacity }">
        <template v-if="boxes && size[0]">
          <svg :viewBox="'0 0 ' + size[0] + ' ' + size[1]" preserveAspectRatio="none">
            <rect v-for="region in here" :key="region.index" :x="region.box[0]" :y="region.box[1]" :width="region.box[2] - region.box[0]"
              :height="region.box[3] - region.box[1]" :class="{ here: region.index === chosen }" @click="choose(region)"><title>{{ region.title }}</title></rect>
          </svg>
          <span v-for="region in here" :key="'n' + region.index" class="num" :class="{ here: region.index === chosen, below: atTop(region) }"
            :style="place(region)">{{ region.index + 1 }}</span>
        </template>
      </div>
      <p v-else class="muted">No picture of this part was kept.</p>
    </div>
    <div class="legend">
      <template v-if="shown && shown.map && map"><span>normal</span><span class="ramp"></span><span>anomalous; the white line is the threshold</span></template>
      <span v-else-if="size[0]">{{ size[0] }} × {{ size[1] }} px</span>
      <span style="margin-left:auto" v-if="shown && shown.original"><a :href="shown.original" target="_blank" style="color:var(--accent)">Original file</a></span>
    </div>
    <div style="padding:10px 12px 12px; border-top:1px solid var(--line)" class="stack">
      <h3>Regions</h3>
      <p v-if="!regions.length" class="muted">No region is above its threshold.</p>
      <div class="regions"><button v-for="region in regions" :key="region.index" class="region" :class="{ here: region.index === chosen }" @click="choose(region)">
        <span class="n">{{ region.index + 1 }}</span><span>{{ region.title }} <span class="muted">· {{ region.modality }} · {{ region.extent }}</span></span>
        <span class="mono">{{ region.score }}</span></button></div>
      <template v-if="facts"><h3 style="margin-top:4px">Facts of region {{ facts.index + 1 }}</h3>
        <div class="ninefacts"><div v-for="fact in facts.facts" :key="fact[0]"><span>{{ fact[0] }}</span><b>{{ fact[1] }}</b></div></div>
        <p v-if="facts.sentence" class="soft">{{ facts.sentence }}</p></template>
    </div>
  </div>`,
};
