export { createChecks } from './checks.ts';
export { diagnoseNode } from './collect.ts';
export { surveyForWork, surveyNode, surveyWhole } from './survey.ts';
