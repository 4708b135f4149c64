/** Who is in the sandbox's channel, and what each may do there. */
export const rosa = {
  id: 'U0ROSA',
  name: 'rosa',
  realName: 'Rosa Lindqvist',
  role: 'on call: may start, stop and break the glass',
};
export const ines = { id: 'U0INES', name: 'ines', realName: 'Inês Duarte', role: 'approves every region' };
export const kiran = { id: 'U0KIRAN', name: 'kiran', realName: 'Kiran Rao', role: 'approves ap-south' };
export const vic = { id: 'U0VIC', name: 'vic', realName: 'Vic Novak', role: 'reads along, may do nothing' };
