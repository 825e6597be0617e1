// One line on the live page. The whole lane is one prop, so one message updates it and Vue changes only what differs.
export default {
  props: { lane: Object },
  template: `
  <section class="lane" :class="{ alarm: lane.ledger.tone === 'bad' }" :data-line="lane.line">
    <div class="lane-head">
      <div class="lane-name"><b :title="lane.line">{{ lane.name }}</b><span class="muted mono">{{ lane.line }}</span></div>
      <div class="kpi grow" v-for="kpi in lane.kpis" :key="kpi.label" :title="kpi.hint">
        <span>{{ kpi.label }}</span><b :class="kpi.tone">{{ kpi.value }} <small>{{ kpi.unit }}</small></b>
        <div class="bar" v-if="kpi.share !== null"><i :style="{ width: kpi.share * 100 + '%' }"></i></div>
      </div>
      <a class="kpi grow" href="/ledger" :title="lane.ledger.hint"><span>Ledger</span><b :class="lane.ledger.tone">{{ lane.ledger.value }} <small>{{ lane.ledger.note }}</small></b></a>
    </div>
    <div class="lane-body" v-if="lane.latest.length">
      <div>
        <h3>Last flagged <a :href="'/history?verdict=defect&line=' + encodeURIComponent(lane.line)">All</a></h3>
        <div class="tiles flagged" v-if="lane.flagged.length">
          <a v-for="part in lane.flagged" :key="part.id" class="tile" :class="part.verdict" :href="'/part/' + part.id">
            <div class="shot"><img v-if="part.picture" :src="part.picture" :alt="part.label" decoding="async"><span v-else>no image</span>
              <span class="verdict" :class="part.verdict">{{ part.word }}</span><span class="tag warn" v-if="part.note">{{ part.note }}</span></div>
            <div class="meter" :class="part.verdict"><i :style="{ width: part.level * 100 + '%' }"></i><u></u></div>
            <div class="say"><b>{{ part.label }}</b><div><span>{{ part.types }}</span><ls-time :iso="part.at"></ls-time></div></div>
          </a>
        </div>
        <p v-else class="muted">No part of this line was flagged yet.</p>
      </div>
      <div>
        <h3>Latest parts</h3>
        <div class="tiles latest">
          <a v-for="part in lane.latest" :key="part.id" class="tile" :class="part.verdict" :href="'/part/' + part.id">
            <div class="shot"><img v-if="part.picture" :src="part.picture" :alt="part.label" decoding="async"><span v-else>no image</span>
              <span class="verdict" :class="part.verdict">{{ part.word }}</span></div>
            <div class="meter" :class="part.verdict"><i :style="{ width: part.level * 100 + '%' }"></i><u></u></div>
            <div class="say"><b>{{ part.label }}</b><div><span>{{ part.score }}</span><ls-time :iso="part.at"></ls-time></div></div>
          </a>
        </div>
      </div>
    </div>
    <div class="empty" v-else><h2>No parts yet</h2><p>This line is registered, but nothing of it was inspected so far.
      Start its connector; the ledger shows whether its frames reach Kafka.</p></div>
  </section>`,
};
