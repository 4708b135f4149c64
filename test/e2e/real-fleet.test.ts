// One file, because there is one fleet: these suites must never run side by side, while other files may.
import './fleet/acceptance.ts';
import './fleet/helper.ts';
