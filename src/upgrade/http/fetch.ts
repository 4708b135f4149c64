import { get } from './get.ts';
import type { Fetch } from './types.ts';

export const fetchOnce: Fetch = async (url, how) => {
  const got = await get(url, how);
  switch (got.is) {
    case 'answered':
      return got.contentEncoding === ''
        ? { is: 'answered', status: got.httpStatus, text: got.text }
        : { is: 'silent', detail: 'the answer is compressed', refused: false };
    case 'cut':
      return { is: 'silent', detail: got.detail, refused: false };
    case 'unreachable':
      return { is: 'silent', detail: got.detail, refused: got.refused };
  }
};
