export { diagnoseNode } from './collect.ts';
export { surveyForWork, surveyNode, surveyWhole } from './survey.ts';
