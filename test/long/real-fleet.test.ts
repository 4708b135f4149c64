// One file, because there is one fleet: these suites must never run side by side.
import '../e2e/fleet/steps.ts';
import '../e2e/fleet/faults.ts';
import '../e2e/fleet/harms.ts';
import '../e2e/fleet/work.ts';
import '../e2e/fleet/ways-back.ts';
