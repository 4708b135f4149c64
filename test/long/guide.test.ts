// One file, because there is one fleet: these suites must never run side by side.
import '../e2e/fleet/checks.ts';
import '../e2e/fleet/drift.ts';
import '../e2e/fleet/restart.ts';
import '../e2e/fleet/checklists.ts';
import '../e2e/fleet/aftercare.ts';
