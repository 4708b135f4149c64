/** @jsxRuntime automatic */
import type { ReactNode } from 'react';
import type { Fault, FleetNode, FleetSource, NodeStatus } from '../slack/types.ts';

const glyphs: Record<NodeStatus, string> = { healthy: '●', starting: '◐', unhealthy: '▲', down: '✕' };
const fewestAllowed = 2;

/** One region: its nodes with version, health and what can be broken. */
export function Region({
  name,
  nodes,
  fewest,
  faults,
}: {
  name: string;
  nodes: FleetNode[];
  fewest: number | undefined;
  faults: Fault[];
}): ReactNode {
  const healthy = nodes.filter((node) => node.status === 'healthy').length;
  return (
    <section className="card region" data-key={`region-${name}`}>
      <header>
        <h3>{name}</h3>
        <span className={healthy < fewestAllowed ? 'tally low' : 'tally'}>
          {healthy} of {nodes.length} healthy
        </span>
        {fewest !== undefined && (
          <span className={fewest < fewestAllowed ? 'fewest low' : 'fewest'}>
            {fewest < fewestAllowed ? `fell to ${fewest}` : `never below ${fewest}`}
          </span>
        )}
      </header>
      <ul>
        {nodes.map((node) => (
          <NodeRow key={node.name} node={node} faults={faults} />
        ))}
      </ul>
    </section>
  );
}

function NodeRow({ node, faults }: { node: FleetNode; faults: Fault[] }): ReactNode {
  return (
    <li className={`node ${node.status}`}>
      <span className="glyph" aria-hidden="true">
        {glyphs[node.status]}
      </span>
      <span className="node-name">
        {node.name} <code title={node.version}>{node.version}</code>
      </span>
      <span className="words">
        {node.status} <small>{node.unit}</small>
      </span>
      {faults.length > 0 && (
        <details data-menu={node.name}>
          <summary aria-label={`Break or mend ${node.name}`} title={`Break or mend ${node.name}`}>
            ⋯
          </summary>
          <div className="menu-list">
            {faults.map((fault) => (
              <button key={fault.id} type="button" data-inject={fault.id} data-node={node.name}>
                {fault.label}
              </button>
            ))}
          </div>
        </details>
      )}
    </li>
  );
}

/** The zero-downtime counter: what a client outside would have seen. */
export function Counter({ fleet }: { fleet: FleetSource }): ReactNode {
  const { probes, failures, fewestHealthy, since } = fleet.counter();
  const low = Object.entries(fewestHealthy).filter(([, fewest]) => fewest < fewestAllowed);
  const good = failures === 0 && low.length === 0;
  return (
    <section
      className={good ? 'card counter good' : 'card counter bad'}
      data-key="counter"
      aria-label="Zero-downtime counter"
    >
      <div className="figure">
        <strong>{failures.toLocaleString('en')}</strong>
        <span>{failures === 1 ? 'time below two healthy in a region' : 'times below two healthy in a region'}</span>
      </div>
      <p>
        <span aria-hidden="true">{good ? '✓' : '!'}</span> {good ? 'No downtime' : 'Downtime seen'} in{' '}
        {probes.toLocaleString('en')} probes since <time data-at={since} data-format="{time}" />
      </p>
    </section>
  );
}

/** The sandbox's own clock; the browser makes it tick. */
export function Clock({
  offsetMs,
  canJump,
  canReset,
}: {
  offsetMs: number;
  canJump: boolean;
  canReset: boolean;
}): ReactNode {
  return (
    <section className="card clock" data-key="clock">
      <time data-clock={offsetMs} title="Time in the sandbox">
        …
      </time>
      {canJump && (
        <button type="button" className="button plain" data-jump>
          Jump to the next window
        </button>
      )}
      {canReset && (
        <button type="button" className="link" data-reset>
          Reset the fleet
        </button>
      )}
    </section>
  );
}
