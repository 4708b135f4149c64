// One file, because there is one fleet: these suites must never run side by side, while other files may.
import './fleet/acceptance.ts';
import './fleet/steps.ts';
import './fleet/faults.ts';
import './fleet/harms.ts';
import './fleet/work.ts';
import './fleet/helper.ts';
