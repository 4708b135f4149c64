export { diagnoseNode } from './collect.ts';
export { surveyNode } from './survey.ts';
