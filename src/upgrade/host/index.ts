export { diagnoseNode } from './collect.ts';
export { surveyForWork, surveyNode } from './survey.ts';
