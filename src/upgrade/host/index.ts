export { createChecks } from './checks.ts';
export { diagnoseNode } from './collect.ts';
export { resolverFor, seeEnvironment } from './environment.ts';
export { createMeasure } from './measure.ts';
export { surveyForWork, surveyNode, surveyWhole } from './survey.ts';
